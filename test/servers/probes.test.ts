import { describe, expect, test } from "vitest";
import { livenessProbes, readinessProbes } from "../../src/servers/probes.ts";
import type { Clock } from "../../src/supervisor/api.ts";

const ask = (signal: AbortSignal) => {
  signal.throwIfAborted();
  return Promise.resolve({ passed: true, message: "is not probed" });
};
const everyMs = { periodMs: 8 };

/** Passes at once over every wait and remembers how long it was. */
function hurryingClock(): Clock & { readonly waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    now: () => 0,
    setTimeout: (callback, delayMs) => {
      waits.push(delayMs);
      queueMicrotask(callback);
    },
    clearTimeout: () => {},
  };
}

/** Never gets to the end of a wait; knows which are under way. */
function standingClock(): Clock & { readonly waiting: Set<unknown> } {
  const waiting = new Set<unknown>();
  return {
    waiting,
    now: () => 0,
    setTimeout: (callback) => {
      waiting.add(callback);
      return callback;
    },
    clearTimeout: (handle) => waiting.delete(handle),
  };
}

async function take(results: AsyncIterable<unknown>, count: number): Promise<void> {
  let taken = 0;
  for await (const _ of results) if (++taken === count) return;
}

describe("readinessProbes()", () => {
  test("comes after 5 ms, then backs off by a fifth to periodMs", async () => {
    const clock = hurryingClock();

    await take(readinessProbes(everyMs, ask, clock, new AbortController().signal), 6);

    expect(clock.waits.map((ms) => Math.round(ms * 10) / 10)).toEqual([5, 6, 7.2, 8, 8, 8]);
  });
});

describe("livenessProbes()", () => {
  test("comes every periodMs", async () => {
    const clock = hurryingClock();

    await take(livenessProbes(everyMs, ask, clock, new AbortController().signal), 3);

    expect(clock.waits).toEqual([8, 8, 8]);
  });
});

test.each([
  ["readinessProbes()", (clock: Clock, signal: AbortSignal) => readinessProbes(everyMs, ask, clock, signal)],
  ["livenessProbes()", (clock: Clock, signal: AbortSignal) => livenessProbes(everyMs, ask, clock, signal)],
])("%s ends at once with the signal's reason, and leaves no timer", async (_, probes) => {
  const clock = standingClock();
  const controller = new AbortController();
  const next = probes(clock, controller.signal).next();
  expect(clock.waiting.size).toBe(1);

  controller.abort("stopped");

  await expect(next).rejects.toBe("stopped");
  expect(clock.waiting.size).toBe(0);
});
