import type { Journal } from "../journal/spi.ts";
import type { Clock } from "../supervisor/api.ts";

/** When a process that is doomed dies: around which of its next writes to the journal. */
export interface Doom {
  /** 1: the next one. */
  readonly write: number;
  /** `before`: it never gets there. `after`: it is committed, and nobody is told. */
  readonly when: "before" | "after";
}

/**
 * The life of one process of a laboratory, which ends as `kill -9` ends it: at a moment, and for good.
 *
 * Its code cannot be stopped where it is, so it runs on; but nothing that it does has an effect any more: it writes
 * nothing, and no timer fires for it.
 */
export class MortalProcess {
  readonly #onDeath: () => void;
  readonly #timers = new Set<unknown>();
  #isAlive = true;
  #doom: Doom | null = null;

  /** @param onDeath called once, at the moment of death */
  constructor(onDeath: () => void) {
    this.#onDeath = onDeath;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#onDeath();
  }

  /** It dies at a write that is still to come; `null`: it does not. */
  doom(doom: Doom | null): void {
    this.#doom = doom;
  }

  /** Time as this process has it. */
  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      setTimeout: (callback, delayMs) => {
        if (!this.#isAlive) return undefined;
        const timer = clock.setTimeout(() => {
          this.#timers.delete(timer);
          if (this.#isAlive) callback();
        }, delayMs);
        this.#timers.add(timer);
        return timer;
      },
      clearTimeout: (timer) => {
        this.#timers.delete(timer);
        clock.clearTimeout(timer);
      },
    };
  }

  /** Takes its timers back, so that they are not waited for. */
  clearTimers(clock: Clock): void {
    for (const timer of this.#timers) clock.clearTimeout(timer);
    this.#timers.clear();
  }

  /** The journal as this process has it. Others may hold it too, one after the other; so closing it is left to its owner. */
  journal(journal: Journal): Journal {
    const nothing = undefined;
    return {
      epoch: journal.epoch,
      createWorkspace: (row, ...told) => this.#write(() => journal.createWorkspace(row, ...told), []),
      updateWorkspace: (row, ...told) => this.#write(() => journal.updateWorkspace(row, ...told), []),
      markDeleting: (id, at) => this.#write(() => journal.markDeleting(id, at), nothing),
      deleteWorkspace: (id, ...told) => this.#write(() => journal.deleteWorkspace(id, ...told), []),
      workspace: (id) => journal.workspace(id),
      workspaceByName: (owner, name) => journal.workspaceByName(owner, name),
      workspaces: (query) => journal.workspaces(query),
      deletingWorkspaces: () => journal.deletingWorkspaces(),
      countWorkspaces: () => journal.countWorkspaces(),
      createInstance: (row) => this.#write(() => journal.createInstance(row), nothing),
      makeCurrent: (ref) => this.#write(() => journal.makeCurrent(ref), nothing),
      intend: (ref, intent) => this.#write(() => journal.intend(ref, intent), nothing),
      instance: (id) => journal.instance(id),
      activeInstances: () => journal.activeInstances(),
      actors: (id) => journal.actors(id),
      append: (turn) => this.#write(() => journal.append(turn), []),
      events: (query) => journal.events(query),
      bounds: (id) => journal.bounds(id),
      deadlines: (id) => journal.deadlines(id),
      recordLeaks: (ref, place, leaks, at) => this.#write(() => journal.recordLeaks(ref, place, leaks, at), nothing),
      leaks: () => journal.leaks(),
      prune: (now) => this.#isAlive && journal.prune(now),
      close: () => {},
    };
  }

  #write<Result>(write: () => Result, unwritten: Result): Result {
    const end = this.#isAlive ? this.#countDown() : null;
    if (end === "before") this.kill();
    if (!this.#isAlive) return unwritten;
    const result = write();
    if (end === "after") this.kill();
    return result;
  }

  /** On which side of this write it dies, if it does. */
  #countDown(): Doom["when"] | null {
    if (this.#doom === null) return null;
    const { write, when } = this.#doom;
    this.#doom = { write: write - 1, when };
    return write <= 1 ? when : null;
  }
}
