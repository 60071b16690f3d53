import { describe, expect, test } from "vitest";
import { assign, createActor, setup } from "xstate";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

describe("VirtualClock", () => {
  test("fires what is due in the order of time, then of age", () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.setTimeout(() => fired.push("late"), 30);
    clock.setTimeout(() => fired.push("first"), 10);
    clock.setTimeout(() => fired.push("second"), 10);
    clock.setTimeout(() => fired.push("not yet"), 31);

    clock.advance(30);

    expect(fired).toEqual(["first", "second", "late"]);
    expect(clock.now()).toBe(30);
    expect(clock.pending).toBe(1);
    expect(clock.nextAt).toBe(31);
  });

  test("fires timers of the same time in the order that is chosen", () => {
    const counts: number[] = [];
    const clock = new VirtualClock(0, (count) => {
      counts.push(count);
      return count - 1;
    });
    const fired: string[] = [];
    for (const name of ["first", "second", "third"]) clock.setTimeout(() => fired.push(name), 10);
    clock.setTimeout(() => fired.push("later"), 11);

    clock.advance(20);

    expect(fired).toEqual(["third", "second", "first", "later"]);
    expect(counts).toEqual([3, 2]);
  });

  test("counts a timer that a timer sets from when that one fired", () => {
    const clock = new VirtualClock(1_000);
    const fired: number[] = [];
    clock.setTimeout(() => {
      clock.setTimeout(() => fired.push(clock.now()), 10);
    }, 10);

    clock.advance(100);

    expect(fired).toEqual([1_020]);
    expect(clock.now()).toBe(1_100);
  });

  test("does not fire what was cleared, and clears nothing else", () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    const cleared = clock.setTimeout(() => fired.push("cleared"), 10);
    clock.setTimeout(() => fired.push("kept"), 10);

    clock.clearTimeout(cleared);
    clock.clearTimeout(cleared);
    clock.clearTimeout(undefined);
    clock.advance(10);

    expect(fired).toEqual(["kept"]);
  });

  test("advanceAsync() lets promises set timers that are due within the same time", async () => {
    const clock = new VirtualClock();
    const wait = (ms: number) => new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
    const reached: number[] = [];
    const story = (async () => {
      for (let step = 0; step < 3; step += 1) {
        await wait(10);
        reached.push(clock.now());
      }
    })();

    await clock.advanceAsync(25);
    expect(reached).toEqual([10, 20]);

    await clock.advanceAsync(5);
    expect(reached).toEqual([10, 20, 30]);
    await story;
  });

  test("runUntil() stops at the first time at which the condition holds", async () => {
    const clock = new VirtualClock();
    let ticks = 0;
    const tick = () => {
      ticks += 1;
      clock.setTimeout(tick, 100);
    };
    tick();

    await clock.runUntil(() => ticks === 5);

    expect(clock.now()).toBe(400);
  });

  test("runUntil() and runUntilIdle() give up where time does not help", async () => {
    const clock = new VirtualClock();
    await expect(clock.runUntil(() => false)).rejects.toThrow("0 timers are set");

    const poll = () => clock.setTimeout(poll, 1_000);
    poll();
    await expect(clock.runUntilIdle(10_000)).rejects.toThrow("1 timers are set, none within 10000 ms");
  });

  test("timers that set each other without an end are an error, not a hang", () => {
    const clock = new VirtualClock();
    const spin = () => clock.setTimeout(spin, 0);
    spin();

    expect(() => clock.advance(1)).toThrow("each set by another");
  });

  test("is a clock for XState: chained delays fire within one step", () => {
    const clock = new VirtualClock();
    const logic = setup({ types: { context: {} as { at: number } } }).createMachine({
      context: { at: 0 },
      initial: "one",
      states: {
        one: { after: { 10: "two" } },
        two: { after: { 10: "three" } },
        three: { entry: assign({ at: () => clock.now() }) },
      },
    });
    const actor = createActor(logic, { clock }).start();

    clock.advance(25);

    expect(actor.getSnapshot().value).toBe("three");
    expect(actor.getSnapshot().context.at).toBe(20);
  });
});
