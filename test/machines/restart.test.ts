import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { backoffMs, crashesAt, isFinished, mayRestart } from "../../machines/restart.ts";
import { exitOf, restart } from "./plans.ts";

describe("a restart policy", () => {
  test.each([
    ["permanent", exitOf(0), false],
    ["transient", exitOf(0), true],
    ["temporary", exitOf(0), true],
    ["transient", exitOf(1), false],
    ["transient", exitOf(0, 0, { oomKilled: true }), false],
    ["transient", exitOf(null, 0, { signal: "SIGTERM" }), false],
    ["transient", null, false],
  ] as const)("%s takes %o for the end of the work: %s", (kind, exit, expected) => {
    expect(isFinished({ ...restart, restart: kind }, exit)).toBe(expected);
  });

  test("that is temporary restarts nothing", () => {
    expect(mayRestart({ ...restart, restart: "temporary" }, [], 0)).toBe(false);
  });

  test("counts the crashes within its window, the present one included", () => {
    expect(crashesAt({ withinMs: 100 }, [0, 1, 50], 100)).toEqual([1, 50, 100]);
  });

  test.each([
    [[], true],
    [[10], true],
    [[10, 20], false],
    [[-100, 20], true],
  ])("that allows two restarts in 100 ms, after crashes at %o and 30: %s", (crashes, expected) => {
    expect(mayRestart({ ...restart, maxRestarts: 2, withinMs: 100 }, crashes, 30)).toBe(expected);
  });

  test("doubles the pause with each crash that counts, up to its longest", () => {
    const policy = { ...restart, backoffMs: 100, maxBackoffMs: 500 };
    const pauses = [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], []].map((crashes) => backoffMs(policy, crashes));

    expect(pauses).toEqual([100, 200, 400, 500, 100]);
  });

  test("never pauses for longer than its longest, however many crashes count", () => {
    const crashes = Array.from({ length: 5_000 }, (_, index) => index);

    expect(backoffMs({ ...restart, maxBackoffMs: 10_000 }, crashes)).toBe(10_000);
  });

  property.prop([
    fc.array(fc.nat(1_000), { maxLength: 60 }),
    fc.record({ maxRestarts: fc.nat(5), withinMs: fc.integer({ min: 1, max: 5_000 }) }),
  ])("never allows more restarts than its budget in any window", (gaps, budget) => {
    const policy = { ...restart, ...budget };
    const restarts: number[] = [];
    let [now, crashes] = [0, [] as number[]];
    for (const gap of gaps) {
      now += gap;
      if (!mayRestart(policy, crashes, now)) continue; // given up: what happens then is another life
      crashes = crashesAt(policy, crashes, now);
      restarts.push(now);
    }

    for (const at of restarts) {
      const inWindow = restarts.filter((one) => one <= at && at - one < budget.withinMs);
      expect(inWindow.length).toBeLessThanOrEqual(budget.maxRestarts);
    }
  });
});
