import type { Clock } from "../../supervisor/api.ts";

/** Resolves after `ms` of the clock, or never if it is infinite; rejects with the signal's reason. */
export async function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms <= 0) return;
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      clock.clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = Number.isFinite(ms)
      ? clock.setTimeout(() => {
          signal.removeEventListener("abort", abort);
          resolve();
        }, ms)
      : null;
    signal.addEventListener("abort", abort, { once: true });
  });
}
