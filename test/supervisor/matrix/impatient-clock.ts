import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

/** Virtual time in which what is due at some time can be made due now, and nothing else. */
export class ImpatientClock extends VirtualClock {
  readonly #timers = new Map<unknown, { readonly at: number; readonly callback: () => void }>();

  override setTimeout(callback: () => void, delayMs: number): unknown {
    const once = (): void => {
      this.#timers.delete(handle);
      callback();
    };
    const handle = super.setTimeout(once, delayMs);
    this.#timers.set(handle, { at: this.now() + delayMs, callback: once });
    return handle;
  }

  override clearTimeout(handle: unknown): void {
    this.#timers.delete(handle);
    super.clearTimeout(handle);
  }

  /** Of several that are due at `at`: the one that was set first. @returns whether there was any */
  hasten(at: number): boolean {
    const [handle, due] = [...this.#timers].find(([, timer]) => timer.at === at) ?? [];
    if (due === undefined) return false;
    super.clearTimeout(handle);
    due.callback();
    return true;
  }
}
