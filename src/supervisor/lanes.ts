/**
 * One lane per resource: what is done to it is done one thing after the other.
 *
 * Leaving a state aborts its work, but aborted work may still be allocating. So clearing up waits in the
 * lane until the work before it has settled. Work that does not settle in time is fenced off: the
 * lane goes on without it, and `onLate` is called when it settles after all, to remove what it created.
 */
export class Lanes {
  readonly #last = new Map<string, Promise<void>>();
  readonly #onLate: (key: string) => void;

  constructor(onLate: (key: string) => void) {
    this.#onLate = onLate;
  }

  /** Runs `work` when the work before it on `key` has settled. Rejects with `signal.reason` if that comes first. */
  async run<Result>(key: string, work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    await this.settled(key, signal);
    signal.throwIfAborted();
    const result = work();
    const settled = result.then(
      () => {},
      () => {}, // whoever called gets the error; the lane only waits
    );
    const cleared = settled.then(() => {
      if (this.#last.get(key) === cleared) this.#last.delete(key);
    });
    this.#last.set(key, cleared);
    return result;
  }

  /** Resolves when nothing is under way on any key that begins with `prefix`. Rejects with `signal.reason` if that comes first. */
  async settled(prefix: string, signal: AbortSignal): Promise<void> {
    for (let last = this.#under(prefix); last.length > 0; last = this.#under(prefix)) {
      await abortable(Promise.all(last.map(([, promise]) => promise)), signal);
    }
  }

  /** Goes on without what is still under way on keys that begin with `prefix`. */
  fence(prefix: string): void {
    for (const [key, promise] of this.#under(prefix)) {
      this.#last.delete(key);
      void promise.then(() => this.#onLate(key)); // never rejects: it only waits
    }
  }

  #under(prefix: string): [string, Promise<void>][] {
    return [...this.#last].filter(([key]) => key.startsWith(prefix));
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
