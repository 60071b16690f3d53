import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { Admission } from "../../src/supervisor/admission.ts";
import { FairQueue, type Task, type Turn } from "../../src/supervisor/fair-queue.ts";
import { settled } from "../machines/stage.ts";

const never = new AbortController().signal;

/** Starts of some owners, who is under way already, and what the queue makes of them. */
function orderOf(turns: readonly Turn[], underWay: ReadonlyMap<string, number> = new Map()): string[] {
  const queue = new FairQueue(underWay);
  const names = new Map<Task, string>();
  const counts = new Map<string, number>();
  for (const turn of turns) {
    const task: Task = async () => {};
    counts.set(turn.owner, (counts.get(turn.owner) ?? 0) + 1);
    names.set(task, `${turn.owner}${counts.get(turn.owner)}`);
    queue.enqueue(task, turn);
  }
  return turns.map(() => names.get(queue.dequeue() ?? (async () => {})) ?? "");
}

const of = (owners: string): Turn[] => [...owners].map((owner) => ({ owner, priority: 0 }));

describe("the queue of starts", () => {
  test("serves one owner in the order in which they came", () => {
    expect(orderOf(of("aaa"))).toEqual(["a1", "a2", "a3"]);
  });

  test("lets owners take turns, however many starts one of them has", () => {
    expect(orderOf(of("aaaabc"))).toEqual(["a1", "b1", "c1", "a2", "a3", "a4"]);
  });

  test("lets the owner with the fewest starts under way go first", () => {
    expect(orderOf(of("ab"), new Map([["a", 2]]))).toEqual(["b1", "a1"]);
  });

  test("lets a higher priority go first, whoever's it is", () => {
    const turns = [...of("ab"), { owner: "a", priority: 5 }];

    expect(orderOf(turns)).toEqual(["a2", "b1", "a1"]);
  });

  test("is empty when all have had their turn", () => {
    const queue = new FairQueue(new Map());

    expect(queue.dequeue()).toBeUndefined();
    expect(queue.size).toBe(0);
  });

  const owner = fc.constantFrom("a", "b", "c", "d");
  const step = fc.oneof(
    fc.record({ do: fc.constant("come" as const), owner }),
    fc.record({ do: fc.constant("go" as const) }),
    fc.record({ do: fc.constant("end" as const), owner }),
  );

  property.prop([fc.array(step, { maxLength: 80 })])(
    "lets no owner have two turns while another waits who has no more under way, and loses nobody",
    (steps) => {
      const underWay = new Map<string, number>();
      const queue = new FairQueue(underWay);
      const waiting = new Map<Task, string>();
      /** Turns that others have had since this owner has been waiting with no more under way than they. */
      const passedOver = new Map<string, string[]>();
      for (const one of steps) {
        if (one.do === "come") {
          const task: Task = async () => {};
          waiting.set(task, one.owner);
          queue.enqueue(task, { owner: one.owner, priority: 0 });
        } else if (one.do === "end") {
          underWay.set(one.owner, Math.max(0, (underWay.get(one.owner) ?? 0) - 1));
        } else {
          const task = queue.dequeue();
          expect(task === undefined).toBe(waiting.size === 0);
          if (task === undefined) continue;
          const chosen = waiting.get(task) ?? "";
          waiting.delete(task);
          passedOver.delete(chosen);
          for (const other of new Set(waiting.values())) {
            if (other === chosen) continue;
            expect(underWay.get(chosen) ?? 0).toBeLessThanOrEqual(underWay.get(other) ?? 0);
            if ((underWay.get(chosen) ?? 0) < (underWay.get(other) ?? 0)) continue;
            const before = passedOver.get(other) ?? [];
            expect(before).not.toContain(chosen);
            passedOver.set(other, [...before, chosen]);
          }
          underWay.set(chosen, (underWay.get(chosen) ?? 0) + 1);
        }
        expect(queue.size).toBe(waiting.size);
      }
    },
  );
});

describe("admission", () => {
  test("lets so many be under way, and the next when one leaves", async () => {
    const admission = new Admission(2);
    const entered: string[] = [];
    for (const id of ["i-1", "i-2", "i-3"]) {
      void admission.enter(id, { owner: id, priority: 0 }, never).then(() => entered.push(id));
    }
    await settled();
    expect(entered).toEqual(["i-1", "i-2"]);
    expect(admission.waiting).toBe(1);

    admission.leave("i-1");
    await settled();

    expect(entered).toEqual(["i-1", "i-2", "i-3"]);
    expect(admission.waiting).toBe(0);
  });

  test("lets go of whoever gives up waiting, and holds no place for it", async () => {
    const admission = new Admission(1);
    await admission.enter("i-1", { owner: "a", priority: 0 }, never);
    const controller = new AbortController();
    const second = admission.enter("i-2", { owner: "a", priority: 0 }, controller.signal);
    const third = admission.enter("i-3", { owner: "a", priority: 0 }, never);

    controller.abort(new Error("stopped"));
    await expect(second).rejects.toThrow("stopped");
    admission.leave("i-1");

    await expect(third).resolves.toBeUndefined();
  });

  test("does not count those who gave up among those who wait", async () => {
    const admission = new Admission(1);
    await admission.enter("i-1", { owner: "a", priority: 0 }, never);
    const controller = new AbortController();
    const second = admission.enter("i-2", { owner: "a", priority: 0 }, controller.signal);
    expect(admission.waiting).toBe(1);

    controller.abort(new Error("stopped"));
    await expect(second).rejects.toThrow("stopped");

    expect(admission.waiting).toBe(0);
  });

  test("admits nobody whose signal has been aborted", async () => {
    const admission = new Admission(1);

    await expect(
      admission.enter("i-1", { owner: "a", priority: 0 }, AbortSignal.abort(new Error("over"))),
    ).rejects.toThrow("over");

    await expect(admission.enter("i-2", { owner: "a", priority: 0 }, never)).resolves.toBeUndefined();
  });

  test("gives back a place once, and none that was never taken", async () => {
    const admission = new Admission(1);
    await admission.enter("i-1", { owner: "a", priority: 0 }, never);
    const second = admission.enter("i-2", { owner: "a", priority: 0 }, never);
    const third = admission.enter("i-3", { owner: "a", priority: 0 }, never);
    let isIn = false;
    void third.then(() => {
      isIn = true;
    });

    for (const id of ["i-1", "i-1", "i-9"]) admission.leave(id);
    await second;
    await settled();

    expect(isIn).toBe(false);
  });
});
