import type { Clock } from "./api.ts";

/** The longest delay that `setTimeout` keeps; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The system's time. Its timers do not keep the process alive, and may be longer than 24.8 days. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout(callback, delayMs) {
    const handle: { timer?: NodeJS.Timeout } = {};
    const arm = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, MAX_DELAY_MS);
      handle.timer = setTimeout(() => (leftMs > stepMs ? arm(leftMs - stepMs) : callback()), stepMs);
      handle.timer.unref();
    };
    arm(Math.max(0, delayMs));
    return handle;
  },
  clearTimeout(handle) {
    clearTimeout((handle as { timer?: NodeJS.Timeout } | undefined)?.timer);
  },
};
