/** Work that is under way in a lane. */
interface UnderWay {
  /** Resolves when it has settled, or was fenced off. Never rejects. */
  readonly over: Promise<void>;
  readonly fence: () => void;
}

/**
 * One lane per resource: what is done to it is done one thing after the other.
 *
 * Leaving a state aborts its work, but aborted work may still be allocating. So clearing up waits in the
 * lane until the work before it has settled. Work that does not settle in time is fenced off: the
 * lane goes on without it, and `onLate` is called when it settles after all, to remove what it created.
 */
export class Lanes {
  readonly #underWay = new Map<string, UnderWay>();
  readonly #onLate: (key: string) => void;

  constructor(onLate: (key: string) => void) {
    this.#onLate = onLate;
  }

  /** Runs `work` when the work before it on `key` has settled. Rejects with `signal.reason` if that comes first. */
  async run<Result>(key: string, work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    // From the look that finds the lane free to the work that takes it, nobody else has a turn.
    for (let before = this.#underWay.get(key); before !== undefined; before = this.#underWay.get(key)) {
      await abortable(before.over, signal);
    }
    signal.throwIfAborted();
    const result = work();
    this.#take(key, result);
    return result;
  }

  /** Resolves when nothing is under way on any key that begins with `prefix`. Rejects with `signal.reason` if that comes first. */
  async settled(prefix: string, signal: AbortSignal): Promise<void> {
    for (let under = this.#under(prefix); under.length > 0; under = this.#under(prefix)) {
      await abortable(Promise.all(under.map(({ over }) => over)), signal);
    }
  }

  /** Goes on without what is still under way on keys that begin with `prefix`. */
  fence(prefix: string): void {
    for (const { fence } of this.#under(prefix)) fence();
  }

  #take(key: string, result: Promise<unknown>): void {
    let isFenced = false;
    let leave = (): void => {};
    const over = new Promise<void>((resolve) => {
      leave = () => {
        this.#underWay.delete(key);
        resolve();
      };
    });
    const fence = (): void => {
      isFenced = true;
      leave();
    };
    const settle = (): void => (isFenced ? this.#onLate(key) : leave());
    this.#underWay.set(key, { over, fence });
    void result.then(settle, settle); // whoever called gets the error; the lane only waits
  }

  #under(prefix: string): UnderWay[] {
    return [...this.#underWay].filter(([key]) => key.startsWith(prefix)).map(([, underWay]) => underWay);
  }
}

async function abortable(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
