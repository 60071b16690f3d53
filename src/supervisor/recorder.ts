import type { Journal, NewEvent, Turn } from "../journal/spi.ts";
import { sourceKey, type TroupeEvent } from "../model/workspace.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Clock } from "./api.ts";
import type { Deadlines } from "./deadlines.ts";
import { changesOf } from "./instance-changes.ts";
import type { Transition } from "./tap.ts";

/** A journal that cannot write (a full disk) is tried again after this. */
const RETRY_MS = 1_000;

export interface RecorderContext {
  readonly journal: Journal;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  /** Called before the first event of an instance that is not its workspace's current one is written. */
  advance(workspaceId: string, instanceId: string): void;
  /** Called with what was committed, in order. */
  committed(events: readonly TroupeEvent[], changes: Turn["instances"]): void;
}

interface Pending extends Transition {
  readonly workspaceId: string;
  readonly at: number;
}

/**
 * Collects the transitions of one turn of the event loop and commits them together; only then anybody is told.
 *
 * Whoever is about to answer a question flushes first, so that an answer is never older than what caused it.
 */
export class Recorder {
  readonly #context: RecorderContext;
  readonly #current = new Map<string, string>();
  #pending: Pending[] = [];
  #turn: NodeJS.Immediate | undefined;
  #retry: unknown;
  #isFlushing = false;

  constructor(context: RecorderContext) {
    this.#context = context;
  }

  record(workspaceId: string, transition: Transition): void {
    this.#pending.push({ ...transition, workspaceId, at: this.#context.clock.now() });
    this.wake();
  }

  /** There is something to commit at the end of this turn; or, while the journal cannot write, when it is tried again. */
  wake(): void {
    if (this.#retry === undefined) this.#turn ??= setImmediate(() => this.#flushLater());
  }

  /** Tells which instance a workspace has now. */
  setCurrent(workspaceId: string, instanceId: string): void {
    this.#current.set(workspaceId, instanceId);
  }

  forget(workspaceId: string): void {
    this.#current.delete(workspaceId);
  }

  /** Commits what is pending. @throws what the journal throws; nothing is lost by it */
  flush(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      while (this.#pending.length > 0) this.#commit(this.#untilNextInstance());
      if (this.#context.deadlines.changes.length > 0) this.#commit(0);
      this.#forgetRetry();
    } finally {
      this.#isFlushing = false;
    }
  }

  close(): void {
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#forgetRetry();
  }

  #forgetRetry(): void {
    if (this.#retry === undefined) return;
    this.#context.clock.clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  #flushLater(): void {
    this.#turn = undefined;
    try {
      this.flush();
    } catch (error) {
      this.#context.logger.error(
        { err: error, pending: this.#pending.length },
        "cannot write the journal; trying again",
      );
      this.#forgetRetry();
      this.#retry = this.#context.clock.setTimeout(() => this.#flushLater(), RETRY_MS);
    }
  }

  /** How many of the pending events may go into one transaction: up to the first of an instance that follows another. */
  #untilNextInstance(): number {
    const index = this.#pending.findIndex(
      ({ workspaceId, instanceId }) => this.#current.get(workspaceId) !== instanceId,
    );
    const next = this.#pending[index];
    if (index > 0) return index;
    if (index === 0 && next !== undefined) {
      this.#context.advance(next.workspaceId, next.instanceId);
      this.#current.set(next.workspaceId, next.instanceId);
      return this.#untilNextInstance();
    }
    return this.#pending.length;
  }

  #commit(count: number): void {
    const pending = this.#pending.slice(0, count);
    const last = new Map(pending.map((event, index) => [actorOf(event), index]));
    const events = pending.map((event, index) => this.#eventOf(event, last.get(actorOf(event)) === index));
    const instances = pending.flatMap(changesOf);
    const { journal, deadlines } = this.#context;
    const committed = journal.append({ events, instances, deadlines: deadlines.changes });
    this.#pending = this.#pending.slice(count); // not before: what cannot be written stays
    deadlines.committed();
    this.#context.committed(committed, instances);
  }

  /** Only the last transition of an actor in a turn can have a deadline that still runs. */
  #eventOf({ workspaceId, at, ...transition }: Pending, isLast: boolean): NewEvent {
    const deadline = isLast ? this.#context.deadlines.next(transition.instanceId, transition.source) : undefined;
    return {
      ...transition,
      workspaceId,
      at,
      deadlineAt: deadline?.at ?? null,
      budgetMs: deadline?.budgetMs ?? null,
    };
  }
}

function actorOf({ instanceId, source }: Pending): string {
  return `${instanceId} ${sourceKey(source)}`;
}
