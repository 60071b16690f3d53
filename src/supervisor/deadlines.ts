import type { DeadlineInput, Source } from "../../machines/port.ts";
import type { Journal } from "../journal/spi.ts";
import { sourceKey } from "../model/workspace.ts";
import type { Clock } from "./api.ts";

export interface Deadline {
  readonly at: number;
  readonly budgetMs: number;
}

/**
 * The budgets that run now. Each is an absolute time in the journal from the moment its state is entered; a
 * state that is entered again by a recovery finds the time that it had.
 */
export class Deadlines {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #running = new Map<string, Map<string, Deadline>>();
  #isKept = false;

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** Resolves when the budget is used up. Rejects with `signal.reason`, and forgets the deadline, when its state is left first. */
  reached({ instanceId, source, state, budgetMs }: DeadlineInput, signal: AbortSignal): Promise<void> {
    const at = this.#journal.deadline(instanceId, source, state, this.#clock.now() + budgetMs);
    const actor = this.#actor(instanceId, source);
    actor.set(state, { at, budgetMs });
    return new Promise<void>((resolve, reject) => {
      const end = (): void => {
        signal.removeEventListener("abort", abort);
        actor.delete(state);
        if (actor.size === 0) this.#running.delete(keyOf(instanceId, source));
        if (!this.#isKept) this.#journal.clearDeadline(instanceId, source, state);
      };
      const timer = this.#clock.setTimeout(() => {
        end();
        resolve();
      }, at - this.#clock.now());
      const abort = (): void => {
        this.#clock.clearTimeout(timer);
        end();
        reject(signal.reason);
      };
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** The next deadline of an actor, if it waits for anything. */
  next(instanceId: string, source: Source): Deadline | undefined {
    const running = this.#running.get(keyOf(instanceId, source));
    if (running === undefined) return undefined;
    return [...running.values()].reduce((first, other) => (other.at < first.at ? other : first));
  }

  /** From now on, deadlines whose states are left stay in the journal: the supervisor ends, and the next one takes them up. */
  keep(): void {
    this.#isKept = true;
  }

  #actor(instanceId: string, source: Source): Map<string, Deadline> {
    const key = keyOf(instanceId, source);
    const known = this.#running.get(key);
    if (known !== undefined) return known;
    const actor = new Map<string, Deadline>();
    this.#running.set(key, actor);
    return actor;
  }
}

function keyOf(instanceId: string, source: Source): string {
  return `${instanceId} ${sourceKey(source)}`;
}
