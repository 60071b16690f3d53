import { TroupeError } from "../errors.ts";
import type { Clock } from "./api.ts";

/** What a condition says of the present: it holds, may still, or cannot any more. */
export type Verdict<Value> = { readonly holds: Value } | "waits" | TroupeError;

/** Who waits for workspaces to change. Each waits for one workspace, until a deadline, and leaves nothing behind. */
export class Watchers {
  readonly #clock: Clock;
  readonly #watching = new Map<string, Set<() => void>>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something of the workspace has been committed. */
  changed(workspaceId: string): void {
    for (const look of [...(this.#watching.get(workspaceId) ?? [])]) look();
  }

  /** Whoever still waits is told that it is over. */
  close(): void {
    this.#isClosed = true;
    for (const workspaceId of [...this.#watching.keys()]) this.changed(workspaceId);
  }

  /**
   * Resolves when `check` holds; it is asked at once, and after every change.
   *
   * @throws what `check` returns; `late()` after `withinMs`; `signal.reason`; `SUPERVISOR_CLOSED`
   */
  until<Value>(
    workspaceId: string,
    check: () => Verdict<Value>,
    { withinMs, late, signal }: { withinMs: number; late: () => TroupeError; signal?: AbortSignal | undefined },
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#leave(workspaceId, look);
        this.#clock.clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
        settle();
      };
      const fail = (error: unknown): void => end(() => reject(error));
      const abort = (): void => fail(signal?.reason);
      const look = (): void => {
        const verdict = this.#isClosed ? closed() : guarded(check);
        if (verdict instanceof Error) fail(verdict);
        else if (verdict !== "waits") end(() => resolve(verdict.holds));
      };
      const timer = this.#clock.setTimeout(() => fail(late()), withinMs);
      signal?.addEventListener("abort", abort, { once: true });
      this.#enter(workspaceId, look);
      if (signal?.aborted) abort();
      else look();
    });
  }

  #enter(workspaceId: string, look: () => void): void {
    const watching = this.#watching.get(workspaceId) ?? new Set();
    this.#watching.set(workspaceId, watching.add(look));
  }

  #leave(workspaceId: string, look: () => void): void {
    const watching = this.#watching.get(workspaceId);
    watching?.delete(look);
    if (watching?.size === 0) this.#watching.delete(workspaceId);
  }
}

function closed(): TroupeError {
  return new TroupeError("SUPERVISOR_CLOSED", "Cannot wait any longer: the supervisor is closed");
}

/** What goes wrong in a check is the waiter's, not the committer's. */
function guarded<Value>(check: () => Verdict<Value>): Verdict<Value> | Error {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
