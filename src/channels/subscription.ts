import type { EventQuery, Page, WorkspaceQuery } from "../journal/spi.ts";
import type { TroupeEvent, WorkspaceView } from "../model/workspace.ts";
import { formatCursor, type Place } from "./cursor.ts";
import type { ChannelRecord, Cursor, StateRecord } from "./records.ts";
import type { Topic, Waiter } from "./topic.ts";

/** Events in one record. A few hundred bytes each, so a record stays below the transport's high-water mark. */
const EVENTS_PER_RECORD = 200;

/** Events that are folded into one `state` record, however few workspaces they are about. */
const EVENTS_PER_STATE = 1_000;

/** Views in one `snapshot` or `state` record; each is some kilobytes. */
const VIEWS_PER_RECORD = 100;

/** Where the hub gets what it does not remember. The calls are synchronous and see each other's writes. */
export interface HubSource {
  /** Of the journal: positions of another epoch mean nothing here. */
  readonly epoch: string;
  /**
   * `first`: nothing was pruned from there on, in this workspace or in all; `last`: the last position given.
   * A source that cannot tell workspaces apart may ignore the argument: a needless gap is safe, a silent one is not.
   */
  bounds(workspaceId?: string): { readonly first: number; readonly last: number };
  events(query: EventQuery): readonly TroupeEvent[];
  /** As it is now: never older than the last published event. */
  view(workspaceId: string): WorkspaceView | undefined;
  views(query: WorkspaceQuery): Page<WorkspaceView>;
}

export interface SubscribeOptions {
  /** Go on after this cursor. Default: begin with a snapshot. */
  readonly since?: Cursor;
  /** `events` (default): every event, once, in order. `state`: the latest view of what changed. */
  readonly policy?: "events" | "state";
  /** Ends the subscription, as {@link Subscription.close} does. */
  readonly signal?: AbortSignal;
}

/**
 * One reader's place in a topic: a cursor, never a queue. Reading takes the next record; not reading costs nothing.
 *
 * It ends when it is closed, when its hub is closed, and after the event that deleted its workspace. It is read once.
 */
export interface Subscription extends AsyncIterable<ChannelRecord | StateRecord> {
  /** Ends it: a read under way is answered with the end. May be called twice. */
  close(): void;
}

export interface Seat {
  readonly source: HubSource;
  readonly topic: Topic;
  /** `undefined`: all workspaces. */
  readonly workspaceId: string | undefined;
  /** Where to begin; `undefined`: with a snapshot. */
  readonly since: Place | undefined;
  readonly policy: "events" | "state";
  /** The position of the last published event. */
  readonly published: () => number;
  /** Called once, when it is over. */
  readonly leave: (self: CursorSubscription) => void;
}

type Reading =
  | { readonly type: "events"; readonly events: readonly TroupeEvent[] }
  | { readonly type: "level" | "gap" };

/** The subscription that the hub hands out. */
export class CursorSubscription implements Subscription, Waiter {
  readonly #seat: Seat;
  readonly #signal: AbortSignal | undefined;
  readonly #records: AsyncGenerator<ChannelRecord | StateRecord, void, void>;
  /** Everything of the topic up to here has been read. */
  #position: number;
  #isOver = false;
  /** The workspace is gone, or the hub is closed: once level there is nothing more to come. */
  #isLast = false;
  #wake: (() => void) | undefined;

  constructor(seat: Seat, signal: AbortSignal | undefined) {
    this.#seat = seat;
    this.#signal = signal;
    this.#position = seat.published();
    this.#records = this.#run();
    if (signal?.aborted) this.close();
    else signal?.addEventListener("abort", this.close);
  }

  [Symbol.asyncIterator](): AsyncIterator<ChannelRecord | StateRecord> {
    return this.#records;
  }

  readonly close = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#signal?.removeEventListener("abort", this.close);
    this.#seat.topic.waiters.delete(this);
    this.#seat.leave(this);
    this.wake();
    // Rests in a yield perhaps, and would go on from there.
    void this.#records.return();
  };

  /** Nothing will be published any more: it ends when all that was has been read. A reader that is too far behind is told so by an error. */
  finish(): void {
    this.#isLast = true;
    this.wake();
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  async *#run(): AsyncGenerator<ChannelRecord | StateRecord, void, void> {
    try {
      yield* this.#begin();
      while (!this.#isOver) {
        const reading = this.#read();
        if (reading.type === "gap") {
          yield* this.#restart(this.#cursor(), "retention");
        } else if (reading.type === "events") {
          yield this.#tell(reading.events);
          if (this.#endsWith(reading.events)) return;
        } else if (this.#isLast) {
          return;
        } else {
          await this.#more();
        }
      }
    } finally {
      this.close();
    }
  }

  async *#begin(): AsyncGenerator<ChannelRecord, void, void> {
    const { since, source } = this.#seat;
    if (since === undefined || (since.epoch === source.epoch && since.position === "start")) {
      yield* this.#snapshot();
    } else if (since.epoch !== source.epoch || since.position === "start" || since.position > source.bounds().last) {
      // A position that was never given here is from another life of the journal: a copy, or one that lost its end.
      yield* this.#restart(formatCursor(since), "epoch");
    } else {
      this.#position = since.position;
      this.#isLast = this.#isGone();
    }
  }

  async *#restart(from: Cursor, reason: "retention" | "epoch"): AsyncGenerator<ChannelRecord, void, void> {
    this.#position = this.#seat.published();
    yield { type: "gap", from, to: this.#cursor(), reason };
    yield* this.#snapshot();
  }

  /**
   * The state at `#position`, or later.
   *
   * The position was taken before the views are: a view has every event up to the cursor, and may have some that follow,
   * which are told all the same. So nothing is missed, and what is told twice is told by an event that says when it happened.
   */
  async *#snapshot(): AsyncGenerator<ChannelRecord, void, void> {
    const { source, workspaceId } = this.#seat;
    const cursor = this.#cursor();
    if (workspaceId !== undefined) {
      const view = source.view(workspaceId);
      this.#isLast = view === undefined;
      yield { type: "snapshot", cursor, workspaces: view === undefined ? [] : [view], more: false };
      return;
    }
    // Who resumes from the middle of a snapshot has not seen all of it, and begins again.
    const unfinished = formatCursor({ epoch: source.epoch, position: "start" });
    let after: string | null = null;
    do {
      const page: Page<WorkspaceView> = source.views({ limit: VIEWS_PER_RECORD, ...(after === null ? {} : { after }) });
      after = page.next;
      const more = after !== null;
      yield { type: "snapshot", cursor: more ? unfinished : cursor, workspaces: page.rows, more };
    } while (after !== null);
  }

  /** The next stretch, and moves on by it: from memory, or from the journal when it is too long ago. */
  #read(): Reading {
    const { source, topic, workspaceId, policy } = this.#seat;
    const limit = policy === "state" ? EVENTS_PER_STATE : EVENTS_PER_RECORD;
    if (this.#position >= topic.floor) return this.#moveBy(topic.after(this.#position, limit));

    const { first, last } = source.bounds(workspaceId);
    if (first > this.#position + 1) return { type: "gap" };
    const after = this.#position;
    const events = source.events({ after, limit, ...(workspaceId === undefined ? {} : { workspaceId }) });
    if (events.length === limit) return this.#moveBy(events);

    const reading = this.#moveBy(events);
    // The journal has no more, so all up to its end is read; unless only a part of the batch fitted.
    if (reading.type === "level" || reading.events.length === events.length) this.#position = last;
    return reading.type === "level" ? this.#read() : reading;
  }

  #moveBy(events: readonly TroupeEvent[]): Extract<Reading, { type: "events" }> | { readonly type: "level" } {
    const fitting = this.#seat.policy === "state" ? aboutAtMost(VIEWS_PER_RECORD, events) : events;
    const end = fitting.at(-1);
    if (end === undefined) return { type: "level" };
    this.#position = end.position;
    return { type: "events", events: fitting };
  }

  #tell(events: readonly TroupeEvent[]): ChannelRecord | StateRecord {
    const { policy, source, topic } = this.#seat;
    const position = events.at(-1)?.position ?? this.#position;
    const cursor = formatCursor({ epoch: source.epoch, position });
    return topic.tell(policy, events, () =>
      policy === "events" ? { type: "events", cursor, events } : stateRecord(source, cursor, events),
    );
  }

  /** Whether its one workspace is deleted by these events. */
  #endsWith(events: readonly TroupeEvent[]): boolean {
    return this.#seat.workspaceId !== undefined && events.some(isDeletion);
  }

  #isGone(): boolean {
    const { source, workspaceId } = this.#seat;
    return workspaceId !== undefined && source.view(workspaceId) === undefined;
  }

  /** Until the topic has more, or this is closed. Nothing can be published between the last look and the sleep. */
  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#seat.topic.waiters.add(this);
    });
  }

  #cursor(): Cursor {
    return formatCursor({ epoch: this.#seat.source.epoch, position: this.#position });
  }
}

/** The event with which a workspace's record ends. */
function isDeletion(event: TroupeEvent): boolean {
  return event.instanceId === null && event.to === "deleted";
}

/** The first events, as far as they are about at most `count` workspaces. */
function aboutAtMost(count: number, events: readonly TroupeEvent[]): readonly TroupeEvent[] {
  const ids = new Set<string>();
  const end = events.findIndex(({ workspaceId }) => ids.add(workspaceId).size > count);
  return end === -1 ? events : events.slice(0, end);
}

function stateRecord(source: HubSource, cursor: Cursor, events: readonly TroupeEvent[]): StateRecord {
  const workspaces: WorkspaceView[] = [];
  const deleted: string[] = [];
  for (const id of new Set(events.map(({ workspaceId }) => workspaceId))) {
    const view = source.view(id);
    if (view === undefined) deleted.push(id);
    else workspaces.push(view);
  }
  return { type: "state", cursor, workspaces, deleted };
}
