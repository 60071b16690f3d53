/** One try of something on a socket: it ends once, in time, and leaves nothing open. */
import type { ProbeResult } from "../infrastructure/spi.ts";

/** What an attempt holds open: a socket or a request. */
interface Destroyable {
  destroy(): unknown;
}

/**
 * Runs `begin` until it calls `settle`, until `timeoutMs` have passed (the result is then `late`), or until `signal`
 * aborts; then destroys what it began.
 *
 * Rejects with `signal.reason` and with nothing else: what `begin` throws is a failed attempt. The caller has looked
 * whether `signal` had aborted before.
 */
export function attempt(
  begin: (settle: (result: ProbeResult) => void) => Destroyable,
  { timeoutMs, late }: { readonly timeoutMs: number; readonly late: string },
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    let begun: Destroyable | undefined;
    const release = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      begun?.destroy();
    };
    const settle = (result: ProbeResult) => {
      release();
      resolve(result);
    };
    const abort = () => {
      release();
      reject(signal.reason);
    };
    const timer = setTimeout(() => settle({ passed: false, message: late }), timeoutMs);
    signal.addEventListener("abort", abort);

    try {
      begun = begin(settle);
    } catch (error) {
      settle({ passed: false, message: describe(error) });
    }
  });
}

/** An error of the network in a few words. A host with several addresses fails with one error for each. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join(", ");
  return error instanceof Error ? error.message : String(error);
}
