import { type FSWatcher, watch } from "node:fs";

/**
 * Waits that end early when something in one of some directories changes.
 *
 * Only ever a hint: where directories cannot be watched (limits of the system, network file systems) every wait
 * takes its full time, so whoever waits must look again anyway. Close it: it holds system resources.
 */
export class DirectoryWatch {
  readonly #watchers = new Map<string, FSWatcher>();
  #changed = false;
  #wake: (() => void) | null = null;

  /** Watches `directory` too. Adding it again changes nothing. */
  add(directory: string): void {
    if (this.#watchers.has(directory)) return;
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#notice());
      watcher.on("error", () => watcher.close()); // the wait's full time is what is left
      this.#watchers.set(directory, watcher);
    } catch {
      // Cannot be watched: the wait's full time is what is left.
    }
  }

  /** Waits until something has changed since the last wait, or `ms` have passed. Rejects with the signal's reason. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#changed) await this.#sleep(ms, signal);
    this.#changed = false;
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
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
