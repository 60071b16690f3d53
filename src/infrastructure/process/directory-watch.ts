import { type FSWatcher, watch } from "node:fs";

/**
 * Waits that end early when something in one of some directories changes.
 *
 * Only ever a hint: where directories cannot be watched (limits of the system, network file systems) every wait
 * takes its full time, so whoever waits must look again anyway. Close it: it holds system resources.
 */
export class DirectoryWatch {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #unwatched = new Set<string>();
  #changed = false;
  #wake: (() => void) | null = null;

  /** Watches `directory` too, if it can. Adding it again tries again. */
  add(directory: string): void {
    if (this.#watchers.has(directory)) return;
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#notice());
      watcher.on("error", () => this.#lose(directory, watcher));
      this.#watchers.set(directory, watcher);
      this.#unwatched.delete(directory);
    } catch {
      this.#unwatched.add(directory);
    }
  }

  /** Whether every directory is watched. */
  get isComplete(): boolean {
    return this.#unwatched.size === 0;
  }

  /**
   * Waits until something has changed since the last wait, or `ms` have passed. Rejects with the signal's reason.
   *
   * @returns whether something has changed.
   */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (!this.#changed) await this.#sleep(ms, signal);
    const hasChanged = this.#changed;
    this.#changed = false;
    return hasChanged;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #lose(directory: string, watcher: FSWatcher): void {
    watcher.close();
    this.#watchers.delete(directory);
    this.#unwatched.add(directory);
  }

  #notice(): void {
    this.#changed = true;
    this.#wake?.();
  }

  #sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", settle);
        this.#wake = null;
        if (signal.aborted) reject(signal.reason);
        else resolve();
      };
      const timer = setTimeout(settle, ms);
      signal.addEventListener("abort", settle, { once: true });
      this.#wake = settle;
    });
  }
}
