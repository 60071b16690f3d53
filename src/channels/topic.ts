import type { TroupeEvent } from "../model/workspace.ts";
import type { ChannelRecord, StateRecord } from "./records.ts";

/** What one stretch of events is told as; made once, read by many. */
interface Told {
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly record: ChannelRecord | StateRecord;
}

/** Something that sleeps until its topic has more. */
export interface Waiter {
  wake(): void;
}

/**
 * The recent events of one workspace, or of all, in order; and who waits for the next one.
 *
 * Holds every event of its topic after `floor`. What was dropped before that is in the journal.
 */
export class Topic {
  /** Everyone who has read all there is. A subscriber that is behind is not in here, so it costs a publisher nothing. */
  readonly waiters = new Set<Waiter>();
  subscribers = 0;
  #floor: number;
  #events: TroupeEvent[] = [];
  /** Index of the oldest event; what lies before it is cut off now and then. */
  #head = 0;
  readonly #told: { events?: Told; state?: Told } = {};

  constructor(floor: number) {
    this.#floor = floor;
  }

  get floor(): number {
    return this.#floor;
  }

  get size(): number {
    return this.#events.length - this.#head;
  }

  get isIdle(): boolean {
    return this.size === 0 && this.subscribers === 0;
  }

  push(event: TroupeEvent): void {
    this.#events.push(event);
  }

  /** Drops the oldest event. */
  shift(): TroupeEvent | undefined {
    const event = this.#events[this.#head];
    if (event === undefined) return undefined;
    this.#floor = event.position;
    this.#head += 1;
    // Cutting only when half is dead makes it cheap: each event is moved at most once.
    if (this.#head * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }

  /** At most `limit` events after `position`, which must not lie before the floor. */
  after(position: number, limit: number): readonly TroupeEvent[] {
    let low = this.#head;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.position ?? Number.POSITIVE_INFINITY) > position) high = middle;
      else low = middle + 1;
    }
    return this.#events.slice(low, low + limit);
  }

  /**
   * The record that tells these events in the manner of a policy, made once for all who read the same stretch at the same time.
   *
   * Only the latest is kept: subscribers that are level read the same stretch in the same turn.
   */
  tell(
    policy: "events" | "state",
    events: readonly TroupeEvent[],
    make: () => ChannelRecord | StateRecord,
  ): ChannelRecord | StateRecord {
    const from = events.at(0)?.position;
    const to = events.at(-1)?.position;
    const latest = this.#told[policy];
    if (latest !== undefined && latest.from === from && latest.to === to) return latest.record;
    const record = make();
    this.#told[policy] = { from, to, record };
    return record;
  }
}
