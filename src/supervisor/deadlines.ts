import type { DeadlineInput, Source } from "../../machines/port.ts";
import type { Deadline, DeadlineChange, Journal } from "../journal/spi.ts";
import { sourceKey } from "../model/workspace.ts";
import type { Clock } from "./api.ts";

export interface RunningDeadline {
  readonly at: number;
  readonly budgetMs: number;
}

/**
 * The budgets that run now. Each is an absolute time, committed with the transition that entered its state; a state that
 * is entered again by a recovery finds the time that it had.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #changed: () => void;
  readonly #running = new Map<string, Map<string, RunningDeadline>>();
  /** By instance: what the journal kept, until its state is entered again, or the instance has recovered. */
  readonly #kept = new Map<string, Map<string, Deadline>>();
  /** What the journal has. */
  readonly #written = new Set<string>();
  /** What it is to be told. A deadline that came and went within one turn never gets there. */
  #changes = new Map<string, DeadlineChange>();
  #isSuspended = false;

  /** @param changed called when there is something to commit */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Takes up the deadlines that an instance had when the supervisor before this one ended. */
  takeUp(journal: Journal, instanceId: string): void {
    const kept = new Map(
      journal.deadlines(instanceId).map((deadline) => [keyOf(instanceId, deadline.source, deadline.state), deadline]),
    );
    this.#kept.set(instanceId, kept);
    for (const key of kept.keys()) this.#written.add(key);
  }

  /** The instance has come to rest: a state that is entered from now on is entered anew, with all of its budget. */
  recovered(instanceId: string): void {
    for (const [key, { source, state }] of this.#kept.get(instanceId) ?? []) {
      this.#change(key, { instanceId, source, state, at: null });
    }
    this.#kept.delete(instanceId);
  }

  /** Resolves when the budget is used up. Rejects with `signal.reason`, and ends the deadline, when its state is left first. */
  reached({ instanceId, source, state, budgetMs }: DeadlineInput, signal: AbortSignal): Promise<void> {
    const key = keyOf(instanceId, source, state);
    const kept = this.#kept.get(instanceId);
    // A clock that was set back meanwhile must not make the rest longer than the whole.
    const at = Math.min(kept?.get(key)?.at ?? Number.POSITIVE_INFINITY, this.#clock.now() + budgetMs);
    kept?.delete(key);
    this.#change(key, { instanceId, source, state, at });
    const actor = this.#actor(instanceId, source);
    actor.set(state, { at, budgetMs });
    return new Promise<void>((resolve, reject) => {
      const end = (): void => {
        signal.removeEventListener("abort", abort);
        actor.delete(state);
        if (actor.size === 0) this.#running.delete(actorKey(instanceId, source));
        if (!this.#isSuspended) this.#change(key, { instanceId, source, state, at: null });
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
  next(instanceId: string, source: Source): RunningDeadline | undefined {
    const running = this.#running.get(actorKey(instanceId, source));
    if (running === undefined) return undefined;
    return [...running.values()].reduce((first, other) => (other.at < first.at ? other : first));
  }

  /** What is to be committed. */
  get changes(): readonly DeadlineChange[] {
    return [...this.#changes.values()];
  }

  /** All `changes` have been committed. */
  committed(): void {
    for (const [key, { at }] of this.#changes) {
      if (at === null) this.#written.delete(key);
      else this.#written.add(key);
    }
    this.#changes = new Map();
  }

  /** From now on, deadlines whose states are left stay as they are: the next supervisor takes them up. */
  suspend(): void {
    this.#isSuspended = true;
  }

  #change(key: string, change: DeadlineChange): void {
    if (change.at === null && !this.#written.has(key)) this.#changes.delete(key);
    else this.#changes.set(key, change);
    this.#changed();
  }

  #actor(instanceId: string, source: Source): Map<string, RunningDeadline> {
    const key = actorKey(instanceId, source);
    const known = this.#running.get(key);
    if (known !== undefined) return known;
    const actor = new Map<string, RunningDeadline>();
    this.#running.set(key, actor);
    return actor;
  }
}

function actorKey(instanceId: string, source: Source): string {
  return `${instanceId} ${sourceKey(source)}`;
}

function keyOf(instanceId: string, source: Source, state: string): string {
  return `${actorKey(instanceId, source)} ${state}`;
}
