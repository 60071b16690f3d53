import type { Clock } from "../../supervisor/api.ts";

/** Resolves after `ms` of the clock (never by itself if that is infinite) or when `hurry` aborts; rejects with the signal's reason. */
export async function sleep(clock: Clock, ms: number, signal: AbortSignal, hurry?: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (ms <= 0) return;
  await new Promise<void>((resolve, reject) => {
    const leave = () => {
      clock.clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      hurry?.removeEventListener("abort", end);
    };
    const abort = () => {
      leave();
      reject(signal.reason);
    };
    const end = () => {
      leave();
      resolve();
    };
    const timer = Number.isFinite(ms) ? clock.setTimeout(end, ms) : null;
    signal.addEventListener("abort", abort);
    hurry?.addEventListener("abort", end);
  });
}
