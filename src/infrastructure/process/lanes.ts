import { untilAborted } from "./pause.ts";

/** One at a time for each key, in the order of the calls. */
export class Lanes {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` when everything before it in its lane has settled. Gives up its place when `signal` aborts. */
  async run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    let leave = () => {};
    const done = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const last = before.then(() => done);
    this.#last.set(key, last);
    try {
      await untilAborted(before, signal);
      return await work();
    } finally {
      leave();
      // Whoever gave up while others were before it leaves the lane to them: it is empty when they are done too.
      void last.then(() => this.#last.get(key) === last && this.#last.delete(key));
    }
  }
}
