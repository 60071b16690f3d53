import type { Step, TimedCall } from "./call.ts";

/**
 * Makes a failing sequence shorter and simpler while `fails` says that it still fails.
 *
 * `fails` resolves to what of the candidate was made when it failed, or to `null`. It is asked until nothing simpler fails, or
 * `isOver` says that it was long enough.
 */
export async function shrink(
  steps: readonly Step[],
  fails: (candidate: readonly Step[]) => Promise<readonly Step[] | null>,
  isOver: () => boolean,
): Promise<void> {
  let current = steps;
  let isSimpler = true;
  while (isSimpler) {
    isSimpler = false;
    for (const candidate of simplerThan(current)) {
      if (isOver()) return;
      const failed = await fails(candidate);
      if (failed === null) continue;
      current = failed;
      isSimpler = true;
      break;
    }
  }
}

/** Simpler ones, the boldest first. */
function* simplerThan(steps: readonly Step[]): Generator<readonly Step[]> {
  for (let length = steps.length >> 1; length >= 1; length >>= 1) {
    for (let start = steps.length - length; start >= 0; start -= length) yield steps.toSpliced(start, length);
  }
  for (const [index, step] of steps.entries()) {
    for (const simpler of simplerSteps(step)) yield steps.with(index, simpler);
  }
}

function* simplerSteps(step: Step): Generator<Step> {
  if (step.length > 1) for (const index of step.keys()) yield step.toSpliced(index, 1);
  for (const [index, timed] of step.entries()) {
    for (const simpler of simplerCalls(timed)) yield step.with(index, simpler);
  }
}

function* simplerCalls(timed: TimedCall): Generator<TimedCall> {
  if (timed.abortMs !== null) yield { ...timed, abortMs: null };
  if (timed.afterMs > 0) yield { ...timed, afterMs: 0 };
  if (typeof timed.abortMs === "number" && timed.abortMs > 0) yield { ...timed, abortMs: 0 };
}
