import type { Operation } from "../../../src/infrastructure/simulated/index.ts";

/** Which call is held up. */
export interface Hold {
  readonly operation: Operation;
  /** Absent: of any machine, or of none. */
  readonly machine?: string;
  /** `before` it has any effect (default), or `after`: only the answer is held; or it is only cut off, if the gate fails, `during` it. */
  readonly when?: "before" | "after" | "during";
  /** Whether it does not even end when it is aborted. */
  readonly isDeaf?: boolean;
}

/** Holds one call up until the test opens it, or lets it fail. */
export class Gate {
  readonly hold: Hold;
  readonly #way: Promise<void>;
  #open: () => void = () => {};
  #fail: (error: Error) => void = () => {};
  #isTaken = false;

  constructor(hold: Hold) {
    this.hold = hold;
    this.#way = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#fail = reject;
    });
    this.#way.catch(() => {}); // nobody may have come
  }

  /** Whether this is the call that it is for; the next one is not. */
  takes(operation: string, machine: string | null): boolean {
    const fits = operation === this.hold.operation && (this.hold.machine ?? machine) === machine;
    if (!fits || this.#isTaken) return false;
    this.#isTaken = true;
    return true;
  }

  /** Resolves when it is opened; rejects with the error with which it fails, or when `signal` aborts. */
  pass(signal: AbortSignal | undefined): Promise<void> {
    if (signal === undefined || this.hold.isDeaf) return this.#way;
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort, { once: true });
      this.#way.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  }

  open(): void {
    this.#open();
  }

  fail(error: Error): void {
    this.#fail(error);
  }
}
