import type { Clock } from "../supervisor/api.ts";

interface Timer {
  readonly at: number;
  /** Timers of the same time fire in this order. */
  readonly order: number;
  readonly callback: () => void;
}

/** More timers than this while no time passes start each other without an end. */
const MAX_TIMERS_AT_ONCE = 100_000;

/** Turns of the event loop in which promises, and commits that wait for the end of a turn, come to rest. */
const TURNS_TO_SETTLE = 4;

/**
 * Time that passes when the test says so. Serves as the supervisor's clock and as XState's.
 *
 * It steps: each timer fires at its own time, and a timer that it sets is counted from there. Timers of the same
 * time fire in the order in which they were set, or as `choose` says.
 */
export class VirtualClock implements Clock {
  #now: number;
  #set = 0;
  #firedAtOnce = 0;
  /** The next one last, so that taking it moves nothing. */
  readonly #timers: Timer[] = [];

  readonly #choose: (count: number) => number;

  /**
   * @param startAt the first `now()`, in milliseconds since 1970
   * @param choose which of so many timers that are due at the same time fires next: 0 is the one that was set first
   */
  constructor(startAt = 0, choose: (count: number) => number = () => 0) {
    this.#now = startAt;
    this.#choose = choose;
  }

  now(): number {
    return this.#now;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length;
  }

  /** When the next timer is due; `null` if none is set. */
  get nextAt(): number | null {
    return this.#timers.at(-1)?.at ?? null;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    this.#set += 1;
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#set, callback };
    this.#timers.splice(this.#indexOf(timer), 0, timer);
    return timer;
  }

  clearTimeout(handle: unknown): void {
    if (!isTimer(handle)) return;
    const index = this.#indexOf(handle);
    if (this.#timers[index] === handle) this.#timers.splice(index, 1);
  }

  /** Lets `ms` pass, firing what is due. Promises do not settle in between: see {@link advanceAsync}. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#fireNext(end));
    this.#passTo(end);
  }

  /** Lets `ms` pass, and promises {@link settle} before the first timer and after each. */
  async advanceAsync(ms: number, turns?: number): Promise<void> {
    const end = this.#now + ms;
    do await this.settle(turns);
    while (this.#fireNext(end));
    this.#passTo(end);
  }

  /**
   * Lets time pass from timer to timer until `condition` holds.
   *
   * @throws {Error} if it does not hold within `limitMs` (default: an hour), or no timer is left that could change it.
   */
  async runUntil(condition: () => boolean, limitMs = 60 * 60_000): Promise<void> {
    const end = this.#now + limitMs;
    do {
      await this.settle();
      if (condition()) return;
    } while (this.#fireNext(end));
    throw new Error(`Cannot run until the condition holds: ${this.pending} timers are set, none within ${limitMs} ms`);
  }

  /**
   * Lets time pass from timer to timer until none is left.
   *
   * @throws {Error} if some are left after `limitMs` (default: a day), as with everything that polls.
   */
  async runUntilIdle(limitMs = 24 * 60 * 60_000): Promise<void> {
    await this.runUntil(() => this.pending === 0, limitMs);
  }

  /**
   * Lets promises settle; no time passes.
   *
   * @param turns of the event loop; one is enough where nothing waits for the end of a turn
   */
  async settle(turns: number = TURNS_TO_SETTLE): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Fires the next timer if it is due by `end`. */
  #fireNext(end: number): boolean {
    const next = this.#takeNext(end);
    if (next === undefined) return false;
    this.#passTo(next.at);
    this.#firedAtOnce += 1;
    if (this.#firedAtOnce > MAX_TIMERS_AT_ONCE) {
      throw new Error(`Cannot let time pass: ${MAX_TIMERS_AT_ONCE} timers fired at ${this.#now}, each set by another`);
    }
    next.callback();
    return true;
  }

  #takeNext(end: number): Timer | undefined {
    const first = this.#timers.at(-1);
    if (first === undefined || first.at > end) return undefined;
    let alike = 1;
    while (this.#timers.at(-1 - alike)?.at === first.at) alike += 1;
    const [chosen] = this.#timers.splice(-1 - (alike === 1 ? 0 : this.#choose(alike)), 1);
    return chosen;
  }

  #passTo(time: number): void {
    if (time > this.#now) this.#firedAtOnce = 0;
    this.#now = Math.max(this.#now, time);
  }

  /** Where the timer is, or belongs. */
  #indexOf(timer: Timer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isBefore(timer, this.#timers[middle])) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isBefore(timer: Timer, other: Timer | undefined): boolean {
  if (other === undefined) return false;
  return timer.at < other.at || (timer.at === other.at && timer.order < other.order);
}

function isTimer(handle: unknown): handle is Timer {
  return typeof handle === "object" && handle !== null && "order" in handle;
}
