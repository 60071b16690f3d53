/** The longest wait between two attempts to connect, in milliseconds. */
const MAX_DELAY_MS = 5_000;
const FIRST_DELAY_MS = 100;

/**
 * The wait before attempt `attempt` (from 0) to connect again, in milliseconds.
 *
 * Anything from zero to a bound that doubles, so that the clients of a server that came back do not all come at once.
 */
export function reconnectDelayMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 16));
}

/** Resolves after `delayMs`, or at once when `signal` aborts. */
export function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, delayMs);
    signal?.addEventListener("abort", finish);
  });
}
