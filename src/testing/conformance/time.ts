import type { Clock } from "../../supervisor/api.ts";

/** How something that was begun came out. */
export type Outcome<T> =
  | { readonly type: "fulfilled"; readonly value: T }
  | { readonly type: "rejected"; readonly reason: unknown }
  /** It was not waited for any longer. */
  | { readonly type: "unsettled" };

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

export async function sleep(clock: Clock, ms: number): Promise<void> {
  if (ms > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
}

/** Waits for `work`, until `enough` aborts. */
export async function outcomeOf<T>(work: Promise<T>, enough: AbortSignal): Promise<Outcome<T>> {
  const settled: Promise<Outcome<T>> = work.then(
    (value) => ({ type: "fulfilled", value }),
    (reason: unknown) => ({ type: "rejected", reason }),
  );
  if (enough.aborted) return { type: "unsettled" };
  return new Promise((resolve) => {
    const giveUp = () => resolve({ type: "unsettled" });
    enough.addEventListener("abort", giveUp, { once: true });
    void settled.then((outcome) => {
      enough.removeEventListener("abort", giveUp);
      resolve(outcome);
    });
  });
}

/** Waits for what `begin` begins with a signal that aborts after `limitMs`; then no longer. */
export async function outcomeWithin<T>(
  clock: Clock,
  limitMs: number,
  begin: (signal: AbortSignal) => Promise<T>,
): Promise<Outcome<T>> {
  const deadline = new AbortController();
  const timer = clock.setTimeout(() => deadline.abort(new Error(`It took longer than ${limitMs} ms`)), limitMs);
  try {
    return await outcomeOf(begin(deadline.signal), deadline.signal);
  } finally {
    clock.clearTimeout(timer);
  }
}
