/** Ending everything that a machine, or a whole instance, has running. */
import { isAlive, type ProcessIdentity, signalProcess } from "./identity.ts";
import { killMemoryGroup } from "./memory-group.ts";
import { growing, pause } from "./pause.ts";
import type { ProcessTable, RunningProcess } from "./process-table.ts";
import type { Workers } from "./shimmed-process.ts";

export interface ProcessTree {
  /** Whether the process bears the mark of what is to end. */
  readonly owns: (process: RunningProcess) => boolean;
  /** Shims and commands, as they are recorded now. */
  readonly workers: () => Promise<readonly Workers[]>;
  readonly memoryGroups: readonly string[];
}

export interface EndOptions {
  /** When what was asked to end is ended, in milliseconds since 1970; a time that has passed ends at once. */
  readonly graceUntil: () => number;
  /** How long ended processes may take to go. */
  readonly patienceMs: number;
}

/** A shim ends by itself once it has written the last output. One that takes longer is ended. */
const SHIM_LINGERS_MS = 250;

/**
 * Asks every process of the tree to end, ends what is left after the grace, and resolves when a look at the whole
 * system shows none: children that made a session of their own are found by the mark in their environment, those
 * that hide it by the group or session that they are in.
 *
 * @returns what runs on all the same after `patienceMs`.
 */
export async function endTree(
  tree: ProcessTree,
  table: ProcessTable,
  { graceUntil, patienceMs }: EndOptions,
  signal: AbortSignal,
): Promise<readonly RunningProcess[]> {
  const census = new Census(tree, table);
  await census.take();
  if (graceUntil() > Date.now() && census.workload.length > 0) await askToEnd(census, graceUntil, signal);

  const until = Date.now() + patienceMs;
  for (;;) {
    await kill(census, tree.memoryGroups);
    const lingersUntil = Date.now() + SHIM_LINGERS_MS;
    await untilGone(
      () => census.all,
      () => lingersUntil,
      signal,
    );
    if (census.workload.length === 0) for (const shim of census.all) signalProcess(shim.identity, "SIGKILL", "process");
    await census.take();
    if (census.all.length === 0 || Date.now() > until) return census.all;
  }
}

async function askToEnd(census: Census, graceUntil: () => number, signal: AbortSignal): Promise<void> {
  const asked = new Set<number>();
  for (const command of census.commands) {
    if (signalProcess(command, "SIGTERM", "group")) asked.add(command.pid);
  }
  for (const { identity, group } of census.workload) {
    if (!asked.has(group)) signalProcess(identity, "SIGTERM", "process");
  }
  await untilGone(() => census.workload, graceUntil, signal);
}

async function kill(census: Census, memoryGroups: readonly string[]): Promise<void> {
  for (const command of census.commands) signalProcess(command, "SIGKILL", "group");
  for (const { identity } of census.workload) signalProcess(identity, "SIGKILL", "process");
  for (const group of memoryGroups) await killMemoryGroup(group);
}

async function untilGone(
  remaining: () => readonly RunningProcess[],
  until: () => number,
  signal: AbortSignal,
): Promise<void> {
  for (const ms of growing(5, 50)) {
    const left = until() - Date.now();
    if (left <= 0 || remaining().length === 0) return;
    await pause(Math.min(ms, left), signal);
  }
}

/** Who belongs to a tree. What was seen to belong does so until it ends, even if its parents are gone. */
class Census {
  readonly #tree: ProcessTree;
  readonly #table: ProcessTable;
  readonly #known = new Map<string, RunningProcess>();
  #workers: readonly Workers[] = [];

  constructor(tree: ProcessTree, table: ProcessTable) {
    this.#tree = tree;
    this.#table = table;
  }

  async take(): Promise<void> {
    this.#workers = await this.#tree.workers();
    const before = this.commands;
    const running = await this.#table.look();
    // A group's number is certainly ours only while its leader lives: before and after the look.
    const led = new Set(before.filter(isAlive).map(({ pid }) => pid));
    for (const process of running) {
      if (!this.#tree.owns(process) && !led.has(process.group) && !led.has(process.session)) continue;
      this.#known.set(`${process.identity.pid} ${process.identity.start}`, process);
    }
  }

  get commands(): readonly ProcessIdentity[] {
    return this.#workers.flatMap(({ command }) => (command !== null && isAlive(command) ? [command] : []));
  }

  /** Everything of the tree that is alive. */
  get all(): readonly RunningProcess[] {
    for (const [key, { identity }] of this.#known) if (!isAlive(identity)) this.#known.delete(key);
    return [...this.#known.values()];
  }

  /** All but the shims, which keep what the others write and how they end. */
  get workload(): readonly RunningProcess[] {
    const shims = new Set(this.#workers.map(({ shim }) => shim?.pid));
    const commands = new Set(this.#workers.map(({ command }) => command?.pid));
    return this.all.filter(({ identity, group }) => !shims.has(group) || commands.has(identity.pid));
  }
}
