import { TroupeError } from "../errors.ts";
import type { TroupeEvent } from "../model/workspace.ts";
import { parseCursor } from "./cursor.ts";
import { CursorSubscription, type HubSource, type SubscribeOptions, type Subscription } from "./subscription.ts";
import { Topic, type Waiter } from "./topic.ts";

export type { HubSource, SubscribeOptions, Subscription } from "./subscription.ts";

/** Subscribers woken in one turn of the event loop: some milliseconds of work, so that ten thousand do not stop it. */
const WAKES_PER_TURN = 256;

export interface HubOptions {
  /** Events kept in memory, over all workspaces. Default 8,192: some ten megabytes. Who is further behind reads the journal. */
  readonly recentEvents?: number;
  readonly metrics?: {
    readonly eventsPublished: { inc(count: number): void };
    readonly subscribers: { inc(): void; dec(): void };
  };
}

/**
 * Fans the events of all workspaces out to whoever subscribed, in order, once each.
 *
 * A subscriber is a place to read from. Publishing puts the events where they are found and wakes those who
 * have read everything, once per turn of the event loop; the others it does not touch.
 *
 * What a subscriber gets: the events after its cursor, every one, in the order of their positions. Without a cursor:
 * first the state, which has every event published before `subscribe` and may have later ones; then every later event. Where
 * events can't be had (pruned, or the cursor is of another journal), a gap that names the stretch, and the state again.
 * One exception: of a workspace that has been deleted meanwhile, what the journal gave up with it is left out; its
 * deletion is told.
 */
export class Hub {
  readonly #source: HubSource;
  readonly #recentEvents: number;
  readonly #metrics: HubOptions["metrics"];
  readonly #all: Topic;
  /** Of the workspaces that have recent events or subscribers; so its size is bounded by theirs. */
  readonly #topics = new Map<string, Topic>();
  readonly #subscriptions = new Set<CursorSubscription>();
  readonly #changed = new Set<Topic>();
  /** Who is still to be woken. Each is in no topic's waiters meanwhile. */
  #asleep: Waiter[] = [];
  #flush: NodeJS.Immediate | undefined;
  #published: number;
  #isClosed = false;

  constructor(source: HubSource, { recentEvents = 8_192, metrics }: HubOptions = {}) {
    this.#source = source;
    this.#recentEvents = recentEvents;
    this.#metrics = metrics;
    this.#published = source.bounds().last;
    this.#all = new Topic(this.#published);
  }

  /** Tells events that the journal has committed. Called in the order of their positions, and for every one. */
  publish(events: readonly TroupeEvent[]): void {
    for (const event of events) this.#remember(event);
    if (events.length === 0) return;
    this.#metrics?.eventsPublished.inc(events.length);
    this.#flush ??= setImmediate(this.#wakeSome);
  }

  /**
   * @throws {TroupeError} `REQUEST_INVALID` if `since` is not a cursor; `WORKSPACE_NOT_FOUND` if there is no such
   * workspace and no `since`; `SUPERVISOR_CLOSED`.
   */
  subscribe(topic: { readonly workspaceId: string } | "all", options: SubscribeOptions = {}): Subscription {
    if (this.#isClosed) throw new TroupeError("SUPERVISOR_CLOSED", "Cannot subscribe: the supervisor is closed");
    const workspaceId = topic === "all" ? undefined : topic.workspaceId;
    const since = options.since === undefined ? undefined : parseCursor(options.since);
    if (workspaceId !== undefined && since === undefined && this.#source.view(workspaceId) === undefined) {
      throw new TroupeError("WORKSPACE_NOT_FOUND", `Cannot subscribe to workspace "${workspaceId}": there is none`);
    }

    const seat = workspaceId === undefined ? this.#all : this.#topicOf(workspaceId);
    seat.subscribers += 1;
    this.#metrics?.subscribers.inc();
    const subscription = new CursorSubscription(
      {
        source: this.#source,
        topic: seat,
        workspaceId,
        since,
        policy: options.policy ?? "events",
        published: () => this.#published,
        leave: (self) => this.#leave(self, seat, workspaceId),
      },
      options.signal,
    );
    if (!options.signal?.aborted) this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Subscriptions that are open. */
  get subscribers(): number {
    return this.#subscriptions.size;
  }

  /** Ends every subscription, each when it has read what was published; cursors stay good. */
  close(): void {
    this.#isClosed = true;
    if (this.#flush !== undefined) clearImmediate(this.#flush);
    for (const subscription of [...this.#subscriptions]) subscription.finish();
  }

  #remember(event: TroupeEvent): void {
    const topic = this.#topicOf(event.workspaceId);
    this.#published = event.position;
    this.#all.push(event);
    topic.push(event);
    this.#changed.add(this.#all).add(topic);
    if (this.#all.size > this.#recentEvents) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const workspaceId = this.#all.shift()?.workspaceId;
    if (workspaceId === undefined) return;
    // Topics hold the same events in the same order, so the oldest of all is the oldest of its topic.
    this.#topics.get(workspaceId)?.shift();
    this.#dropIfIdle(workspaceId);
  }

  #topicOf(workspaceId: string): Topic {
    const known = this.#topics.get(workspaceId);
    if (known !== undefined) return known;
    // None of its events is in memory, so all of them are at or before the floor of memory.
    const topic = new Topic(this.#all.floor);
    this.#topics.set(workspaceId, topic);
    return topic;
  }

  #leave(subscription: CursorSubscription, topic: Topic, workspaceId: string | undefined): void {
    topic.subscribers -= 1;
    this.#metrics?.subscribers.dec();
    this.#subscriptions.delete(subscription);
    if (workspaceId !== undefined) this.#dropIfIdle(workspaceId);
  }

  #dropIfIdle(workspaceId: string): void {
    if (this.#topics.get(workspaceId)?.isIdle) this.#topics.delete(workspaceId);
  }

  readonly #wakeSome = (): void => {
    for (const topic of this.#changed) {
      for (const waiter of topic.waiters) this.#asleep.push(waiter);
      topic.waiters.clear();
    }
    this.#changed.clear();
    for (const waiter of this.#asleep.splice(0, WAKES_PER_TURN)) waiter.wake();
    this.#flush = this.#asleep.length > 0 ? setImmediate(this.#wakeSome) : undefined;
  };
}
