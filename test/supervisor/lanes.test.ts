import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { Lanes } from "../../src/supervisor/lanes.ts";
import { settled } from "../machines/stage.ts";

/** Work that settles when the test says so. */
function held(): { readonly work: () => Promise<void>; readonly finish: () => void; readonly began: () => boolean } {
  let finish = (): void => {};
  let hasBegun = false;
  const over = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return {
    work: () => {
      hasBegun = true;
      return over;
    },
    finish: () => finish(),
    began: () => hasBegun,
  };
}

const never = new AbortController().signal;
const noLanes = (): Lanes => new Lanes(() => {});

describe("a lane", () => {
  test("begins work when the work before it has settled, whichever way", async () => {
    const lanes = noLanes();
    const first = held();
    const failing = lanes.run("a", () => first.work().then(() => Promise.reject(new Error("no"))), never);
    const second = held();
    void lanes.run("a", second.work, never);
    await settled();
    expect(second.began()).toBe(false);

    first.finish();

    await expect(failing).rejects.toThrow("no");
    await settled();
    expect(second.began()).toBe(true);
  });

  test("is not held up by another, even one whose key begins alike", async () => {
    const lanes = noLanes();
    void lanes.run("web2", held().work, never);
    const other = held();

    void lanes.run("web", other.work, never);
    await settled();

    expect(other.began()).toBe(true);
  });

  test("lets go of whoever gives up waiting; what it waited for goes on", async () => {
    const lanes = noLanes();
    const first = held();
    void lanes.run("a", first.work, never);
    const controller = new AbortController();
    const second = held();
    const waiting = lanes.run("a", second.work, controller.signal);

    controller.abort(new Error("enough"));

    await expect(waiting).rejects.toThrow("enough");
    first.finish();
    await settled();
    expect(second.began()).toBe(false);
  });

  test("begins nothing for a signal that has been aborted", async () => {
    const work = held();

    await expect(noLanes().run("a", work.work, AbortSignal.abort(new Error("over")))).rejects.toThrow("over");

    expect(work.began()).toBe(false);
  });

  test("that is fenced off goes on without the work, and tells when that settles late", async () => {
    const late: string[] = [];
    const lanes = new Lanes((key) => late.push(key));
    const [deaf, waiting, after] = [held(), held(), held()];
    void lanes.run("a", deaf.work, never);
    void lanes.run("a", waiting.work, never);

    lanes.fence("a");
    await settled();
    expect(waiting.began()).toBe(true);
    waiting.finish();
    await settled();
    void lanes.run("a", after.work, never);
    await settled();
    expect(after.began()).toBe(true);
    expect(late).toEqual([]);
    deaf.finish();
    await settled();

    expect(late).toEqual(["a"]);
  });

  test("settles when nothing is under way on any key below a prefix", async () => {
    const lanes = noLanes();
    const works = [held(), held()];
    void lanes.run("i-1 web", works[0]?.work ?? held().work, never);
    void lanes.run("i-1 db", works[1]?.work ?? held().work, never);
    void lanes.run("i-2 web", held().work, never);
    let isSettled = false;
    void lanes.settled("i-1 ", never).then(() => {
      isSettled = true;
    });

    works[0]?.finish();
    await settled();
    expect(isSettled).toBe(false);
    works[1]?.finish();
    await settled();

    expect(isSettled).toBe(true);
  });
});

describe("whatever the order in which work settles and gives up", () => {
  property.prop([
    fc.scheduler(),
    fc.array(fc.record({ key: fc.constantFrom("a", "ab"), fails: fc.boolean() }), { maxLength: 12 }),
  ])(
    "there are never two at once on a key, each comes in its turn, and all come to an end",
    async (scheduler, jobs) => {
      const lanes = noLanes();
      const running = new Map<string, number>();
      const begun: Record<string, number[]> = { a: [], ab: [] };
      const results = jobs.map(({ key, fails }, index) =>
        lanes.run(
          key,
          async () => {
            begun[key]?.push(index);
            running.set(key, (running.get(key) ?? 0) + 1);
            expect(running.get(key)).toBe(1);
            await scheduler.schedule(Promise.resolve(), `${key} ${index}`);
            running.set(key, 0);
            if (fails) throw new Error("it failed");
          },
          never,
        ),
      );
      const ends = Promise.allSettled(results);

      await scheduler.waitIdle();

      const reasons = (await ends).map((end) => (end.status === "rejected" ? String(end.reason) : ""));
      expect(reasons).toEqual(jobs.map(({ fails }) => (fails ? "Error: it failed" : "")));
      for (const key of ["a", "ab"]) expect(begun[key]).toEqual([...(begun[key] ?? [])].sort((one, two) => one - two));
    },
  );
});
