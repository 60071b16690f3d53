import { describe, expect, test } from "vitest";
import type { Source } from "../../machines/port.ts";
import type { Deadline, Journal } from "../../src/journal/spi.ts";
import { Deadlines } from "../../src/supervisor/deadlines.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { settled } from "../machines/stage.ts";

const source: Source = { kind: "machine", machine: "web" };
const booting = { instanceId: "i-1", source, state: "starting.booting", budgetMs: 100, what: "Booting" };
const never = new AbortController().signal;

function at(now = 1_000) {
  const clock = new VirtualClock(now);
  let wakes = 0;
  const deadlines = new Deadlines(clock, () => {
    wakes += 1;
  });
  return { clock, deadlines, wakes: () => wakes };
}

/** A journal, as far as it remembers deadlines. */
function remembering(...deadlines: readonly Deadline[]): Journal {
  return { deadlines: () => deadlines } as unknown as Journal;
}

describe("a deadline", () => {
  test("is reached when its budget is used up, not before, and then runs no more", async () => {
    const { clock, deadlines } = at();
    let isReached = false;
    const reached = deadlines.reached(booting, never).then(() => {
      isReached = true;
    });

    await clock.advanceAsync(99);
    expect(isReached).toBe(false);
    expect(deadlines.next("i-1", source)).toEqual({ at: 1_100, budgetMs: 100 });
    await clock.advanceAsync(1);
    await reached;

    expect(deadlines.next("i-1", source)).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test("ends with its state, and leaves no timer", async () => {
    const { clock, deadlines } = at();
    const controller = new AbortController();
    const reached = deadlines.reached(booting, controller.signal);

    controller.abort(new Error("left"));

    await expect(reached).rejects.toThrow("left");
    expect(clock.pending).toBe(0);
    expect(deadlines.next("i-1", source)).toBeUndefined();
  });

  test("that came and went within a turn is never written", () => {
    const { deadlines } = at();
    const controller = new AbortController();
    deadlines.reached(booting, controller.signal).catch(() => {});

    controller.abort();

    expect(deadlines.changes).toEqual([]);
  });

  test("that was written is taken back when its state is left", () => {
    const { deadlines, wakes } = at();
    const controller = new AbortController();
    deadlines.reached(booting, controller.signal).catch(() => {});
    expect(deadlines.changes).toMatchObject([{ state: "starting.booting", at: 1_100 }]);
    deadlines.committed();

    controller.abort();

    expect(deadlines.changes).toMatchObject([{ instanceId: "i-1", source, state: "starting.booting", at: null }]);
    expect(wakes()).toBe(2);
  });

  test("stays written when the supervisor lets go: the next one takes it up", () => {
    const { deadlines } = at();
    const controller = new AbortController();
    deadlines.reached(booting, controller.signal).catch(() => {});
    deadlines.committed();

    deadlines.suspend();
    controller.abort();

    expect(deadlines.changes).toEqual([]);
  });

  test("of several that an actor has, the next is told", () => {
    const { deadlines } = at();
    void deadlines.reached(booting, never);
    void deadlines.reached({ ...booting, state: "running.connection.lost", budgetMs: 50 }, never);

    expect(deadlines.next("i-1", source)).toEqual({ at: 1_050, budgetMs: 50 });
    expect(deadlines.next("i-2", source)).toBeUndefined();
  });
});

describe("a deadline that the journal kept", () => {
  test("is reached at the time that it had, however often the supervisor restarts", async () => {
    const { clock, deadlines } = at(1_090);
    deadlines.takeUp(remembering({ source, state: "starting.booting", at: 1_100 }), "i-1");

    const reached = deadlines.reached(booting, never);
    await clock.advanceAsync(10);

    await expect(reached).resolves.toBeUndefined();
  });

  test("is reached at once when its time is over", async () => {
    const { clock, deadlines } = at(5_000);
    deadlines.takeUp(remembering({ source, state: "starting.booting", at: 1_100 }), "i-1");

    const reached = deadlines.reached(booting, never);
    clock.advance(0);

    await expect(reached).resolves.toBeUndefined();
  });

  test("is taken up once: when its state is entered again, it is new", async () => {
    const { clock, deadlines } = at(5_000);
    deadlines.takeUp(remembering({ source, state: "starting.booting", at: 1_100 }), "i-1");
    void deadlines.reached(booting, never);
    clock.advance(0);
    await settled();

    void deadlines.reached(booting, never);

    expect(deadlines.next("i-1", source)?.at).toBe(5_100);
  });

  test("is forgotten, in the journal too, when its instance has recovered without it", () => {
    const { deadlines } = at(5_000);
    deadlines.takeUp(remembering({ source, state: "starting.booting", at: 1_100 }), "i-1");

    deadlines.recovered("i-1");
    expect(deadlines.changes).toMatchObject([{ state: "starting.booting", at: null }]);
    void deadlines.reached(booting, never);

    expect(deadlines.next("i-1", source)?.at).toBe(5_100);
  });
});
