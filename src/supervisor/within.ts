import { TroupeError } from "../errors.ts";
import type { Clock } from "./api.ts";

/**
 * Waits for `work` for so long on `clock`, or until `signal` aborts. Then it lets go: the work's own signal aborts, and
 * work that does not listen is not waited for.
 *
 * @throws {TroupeError} `DEADLINE_EXCEEDED`; what `work` throws; `signal.reason`
 */
export async function within<Result>(
  ms: number,
  clock: Clock,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const ending = new AbortController();
  const end = (reason: unknown): void => ending.abort(reason);
  const abort = (): void => end(signal.reason);
  const timer = clock.setTimeout(() => end(new TroupeError("DEADLINE_EXCEEDED", `It took longer than ${ms} ms`)), ms);
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    const ended = new Promise<never>((_, reject) => {
      ending.signal.addEventListener("abort", () => reject(ending.signal.reason), { once: true });
    });
    return await Promise.race([work(ending.signal), ended]);
  } finally {
    clock.clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
