import type { Source } from "../../../machines/port.ts";
import { sourceKey } from "../../model/workspace.ts";

/** How held work goes on: it is really done, or it settles as it did in the record. */
export type Outcome = "done" | { readonly output: unknown } | { readonly error: Error };

interface Held {
  settle(outcome: Outcome): void;
}

export interface Probing {
  readonly purpose: "readiness" | "liveness";
  tell(type: "probe.answered" | "probe.missed", message: string): void;
  /** Probing itself has failed. */
  fail(error: Error): void;
}

/**
 * Holds the work that charts want until somebody says how it goes on. Once it is open, work is simply done.
 */
export class Gate {
  readonly #held = new Map<string, Held>();
  readonly #probes = new Map<string, Probing>();
  #isOpen = false;

  /** Resolves to how the work goes on. Rejects with `signal.reason` if it is let go of first. */
  pass(source: Source, work: string, signal: AbortSignal): Promise<Outcome> {
    if (this.#isOpen) return Promise.resolve("done");
    const key = keyOf(source, work);
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal.removeEventListener("abort", abort);
        if (this.#held.get(key) === held) this.#held.delete(key);
      };
      const abort = (): void => {
        leave();
        reject(signal.reason);
      };
      const held = {
        settle(outcome: Outcome): void {
          leave();
          resolve(outcome);
        },
      };
      this.#held.set(key, held);
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
    });
  }

  /** Lets the work of that actor go on. Nothing happens if none is held. */
  settle(source: Source, work: string, outcome: Outcome): void {
    this.#held.get(keyOf(source, work))?.settle(outcome);
  }

  /** A server is probed from now on. @returns what ends that */
  probe(source: Source, probing: Probing): () => void {
    const key = sourceKey(source);
    this.#probes.set(key, probing);
    if (this.#isOpen) answerIfNew(probing);
    return () => {
      if (this.#probes.get(key) === probing) this.#probes.delete(key);
    };
  }

  probing(source: Source): Probing | undefined {
    return this.#probes.get(sourceKey(source));
  }

  /** Holds nothing any more. What is held now goes on with `held`: it is done, or it never settles. */
  open(held: "done" | "never"): void {
    this.#isOpen = true;
    if (held === "never") return;
    for (const one of [...this.#held.values()]) one.settle("done");
    for (const probing of this.#probes.values()) answerIfNew(probing);
  }
}

/** More answers than any threshold asks for. */
const ANSWERS = 100;

function answerIfNew({ purpose, tell }: Probing): void {
  if (purpose === "liveness") return; // it stays as it is
  for (let count = 0; count < ANSWERS; count += 1) tell("probe.answered", "the server answered (simulated)");
}

function keyOf(source: Source, work: string): string {
  return `${work} ${sourceKey(source)}`;
}
