import { randomUUID } from "node:crypto";
import { TroupeError } from "../errors.ts";
import type { InstanceRef, Leak } from "../infrastructure/spi.ts";
import type {
  ActorRow,
  Deadline,
  EventQuery,
  InstanceRow,
  Journal,
  LeakRow,
  NewEvent,
  Page,
  Turn,
  WorkspaceQuery,
  WorkspaceRow,
} from "../journal/spi.ts";
import { sourceKey, type TroupeEvent, type WorkspaceStatus } from "../model/workspace.ts";

/**
 * A journal for tests: keeps the whole contract, but for retention, and lasts as long as the object.
 *
 * It copies nothing. Rows and events are read-only, and whoever changed one would change what was recorded: use
 * `sqliteJournal({ file: ":memory:" })` where that is the question.
 */
export function memoryJournal(): Journal {
  return new MemoryJournal();
}

interface StoredWorkspace {
  row: WorkspaceRow;
  /** For pages. */
  readonly number: number;
}

class MemoryJournal implements Journal {
  readonly epoch = randomUUID();
  readonly #workspaces = new Map<string, StoredWorkspace>();
  readonly #instances = new Map<string, InstanceRow>();
  readonly #actors = new Map<string, Map<string, ActorRow>>();
  readonly #deadlines = new Map<string, Map<string, Deadline>>();
  readonly #sequences = new Map<string, number>();
  readonly #leaks = new Map<string, readonly LeakRow[]>();
  #events: TroupeEvent[] = [];
  #last = 0;
  #created = 0;
  #isClosed = false;

  createWorkspace(row: WorkspaceRow, ...events: readonly NewEvent[]): readonly TroupeEvent[] {
    this.#mustBeOpen();
    if (this.#workspaces.has(row.workspaceId)) {
      throw new TroupeError("WORKSPACE_EXISTS", `Cannot create workspace "${row.workspaceId}": the id is taken`);
    }
    this.#mustBeFree(row, "create");
    this.#created += 1;
    this.#workspaces.set(row.workspaceId, { row, number: this.#created });
    return events.map((event) => this.#record(event));
  }

  updateWorkspace(row: WorkspaceRow, ...events: readonly NewEvent[]): readonly TroupeEvent[] {
    const stored = this.#require(row.workspaceId, "update");
    const { instanceId, status, deletingSince, version: current } = stored.row;
    const expected = row.version - 1;
    if (current !== expected) {
      throw new TroupeError(
        "WORKSPACE_CONFLICT",
        `Cannot update workspace "${row.workspaceId}" over version ${expected}: current version is ${current}`,
        { details: { workspaceId: row.workspaceId, expected, current } },
      );
    }
    this.#mustBeFree(row, "update");
    stored.row = { ...row, instanceId, status, deletingSince, createdAt: stored.row.createdAt };
    return events.map((event) => this.#record(event));
  }

  markDeleting(workspaceId: string, at: number): void {
    const stored = this.#require(workspaceId, "delete");
    stored.row = { ...stored.row, deletingSince: stored.row.deletingSince ?? at };
  }

  deleteWorkspace(workspaceId: string, ...events: readonly NewEvent[]): readonly TroupeEvent[] {
    this.#mustBeOpen();
    for (const { instanceId } of [...this.#instances.values()].filter((row) => row.workspaceId === workspaceId)) {
      this.#instances.delete(instanceId);
      this.#actors.delete(instanceId);
      this.#deadlines.delete(instanceId);
    }
    this.#events = this.#events.filter((event) => event.workspaceId !== workspaceId || event.instanceId === null);
    this.#workspaces.delete(workspaceId);
    return events.map((event) => this.#record(event));
  }

  workspace(workspaceId: string): WorkspaceRow | undefined {
    this.#mustBeOpen();
    return this.#workspaces.get(workspaceId)?.row;
  }

  workspaceByName(owner: string, name: string): WorkspaceRow | undefined {
    return this.#rows().find((row) => row.owner === owner && row.name === name);
  }

  workspaces({ owner, status, after = "0", limit }: WorkspaceQuery): Page<WorkspaceRow> {
    const found = [...this.#workspaces.values()].filter(
      ({ row, number }) =>
        number > Number(after) && row.owner === (owner ?? row.owner) && row.status === (status ?? row.status),
    );
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      rows: page.map(({ row }) => row),
      next: found.length > limit && last !== undefined ? String(last.number) : null,
    };
  }

  deletingWorkspaces(): readonly WorkspaceRow[] {
    return this.#rows().filter(({ deletingSince }) => deletingSince !== null);
  }

  countWorkspaces(): Readonly<Record<WorkspaceStatus, number>> {
    const counts = { STARTING: 0, RUNNING: 0, STOPPING: 0, STOPPED: 0 };
    for (const { status } of this.#rows()) counts[status] += 1;
    return counts;
  }

  createInstance(row: InstanceRow): void {
    const stored = this.#require(row.workspaceId, "start");
    const isWaiting = this.activeInstances().some(({ workspaceId }) => workspaceId === row.workspaceId);
    this.#instances.set(row.instanceId, row);
    if (!isWaiting) stored.row = { ...stored.row, instanceId: row.instanceId };
  }

  makeCurrent({ workspaceId, instanceId }: InstanceRef): void {
    this.#mustBeOpen();
    const stored = this.#workspaces.get(workspaceId);
    if (stored !== undefined) stored.row = { ...stored.row, instanceId };
  }

  intend({ instanceId }: InstanceRef, { desired, forced, stopReason }: Parameters<Journal["intend"]>[1]): void {
    this.#mustBeOpen();
    if (!this.#instances.has(instanceId)) {
      throw new TroupeError("NOT_FOUND", `Cannot change the intent of instance "${instanceId}": there is none`);
    }
    this.#change({ instanceId, desired, forced, stopReason });
  }

  instance(instanceId: string): InstanceRow | undefined {
    this.#mustBeOpen();
    return this.#instances.get(instanceId);
  }

  activeInstances(): readonly InstanceRow[] {
    this.#mustBeOpen();
    return [...this.#instances.values()].filter(({ stoppedAt }) => stoppedAt === null);
  }

  actors(instanceId: string): readonly ActorRow[] {
    this.#mustBeOpen();
    return [...(this.#actors.get(instanceId)?.values() ?? [])];
  }

  append({ events, instances, deadlines = [] }: Turn): readonly TroupeEvent[] {
    this.#mustBeOpen();
    const recorded = events.map((event) => this.#record(event));
    for (const change of instances) this.#change(change);
    for (const { instanceId, source, state, at } of deadlines) {
      const running = this.#deadlines.get(instanceId) ?? new Map<string, Deadline>();
      const key = `${sourceKey(source)} ${state}`;
      if (at === null) running.delete(key);
      else this.#deadlines.set(instanceId, running.set(key, { source, state, at }));
    }
    return recorded;
  }

  events({ workspaceId, instanceId, after, limit }: EventQuery): readonly TroupeEvent[] {
    this.#mustBeOpen();
    const found: TroupeEvent[] = [];
    for (let index = this.#indexAfter(after); index < this.#events.length && found.length < limit; index += 1) {
      const event = this.#events[index];
      if (event === undefined || event.workspaceId !== (workspaceId ?? event.workspaceId)) continue;
      if (instanceId === undefined || event.instanceId === instanceId) found.push(event);
    }
    return found;
  }

  bounds(): { readonly first: number; readonly last: number } {
    this.#mustBeOpen();
    return { first: 1, last: this.#last };
  }

  deadlines(instanceId: string): readonly Deadline[] {
    this.#mustBeOpen();
    return [...(this.#deadlines.get(instanceId)?.values() ?? [])];
  }

  recordLeaks(ref: InstanceRef, infrastructure: string, leaks: readonly Leak[], at: number): void {
    this.#mustBeOpen();
    const { workspaceId, instanceId } = ref;
    const known = this.#leaks.get(instanceId) ?? [];
    const rows = leaks.map(({ kind, id, reason }): LeakRow => {
      const before = known.find((row) => row.kind === kind && row.id === id);
      const { since, attempts } = before ?? { since: at, attempts: 0 };
      return { workspaceId, instanceId, infrastructure, kind, id, reason, since, attempts: attempts + 1 };
    });
    if (rows.length === 0) this.#leaks.delete(instanceId);
    else this.#leaks.set(instanceId, rows);
  }

  leaks(): readonly LeakRow[] {
    this.#mustBeOpen();
    return [...this.#leaks.values()].flat();
  }

  /** Keeps everything: it lasts no longer than a test. */
  prune(): boolean {
    return false;
  }

  close(): void {
    this.#isClosed = true;
  }

  #record(event: NewEvent): TroupeEvent {
    const { workspaceId, instanceId, source, at, deadlineAt, budgetMs, failure, data, to } = event;
    const owner = instanceId ?? `record ${workspaceId}`;
    const sequence = (this.#sequences.get(owner) ?? 0) + 1;
    this.#sequences.set(owner, sequence);
    this.#last += 1;
    const recorded: TroupeEvent = { ...event, position: this.#last, sequence };
    this.#events.push(recorded);
    if (instanceId === null) return recorded;

    const actors = this.#actors.get(instanceId) ?? new Map<string, ActorRow>();
    const actor = { instanceId, source, state: to, status: event.status, at, deadlineAt, budgetMs, failure, data };
    this.#actors.set(instanceId, actors.set(sourceKey(source), actor));
    const stored = this.#workspaces.get(workspaceId);
    if (source.kind === "workspace" && stored?.row.instanceId === instanceId) {
      stored.row = { ...stored.row, status: event.status as WorkspaceStatus };
    }
    return recorded;
  }

  #change({ instanceId, ...change }: Turn["instances"][number]): void {
    const row = this.#instances.get(instanceId);
    if (row !== undefined) this.#instances.set(instanceId, { ...row, ...change });
  }

  /** The first event after a position. */
  #indexAfter(position: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.position ?? Number.POSITIVE_INFINITY) > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #rows(): readonly WorkspaceRow[] {
    this.#mustBeOpen();
    return [...this.#workspaces.values()].map(({ row }) => row);
  }

  #require(workspaceId: string, verb: string): StoredWorkspace {
    this.#mustBeOpen();
    const stored = this.#workspaces.get(workspaceId);
    if (stored !== undefined) return stored;
    throw new TroupeError("WORKSPACE_NOT_FOUND", `Cannot ${verb} workspace "${workspaceId}": there is none`);
  }

  #mustBeFree({ workspaceId, owner, name }: WorkspaceRow, verb: string): void {
    const holder = this.workspaceByName(owner, name);
    if (holder === undefined || holder.workspaceId === workspaceId) return;
    throw new TroupeError("WORKSPACE_EXISTS", `Cannot ${verb} workspace "${name}": "${owner}" has one of that name`);
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new TroupeError("SUPERVISOR_CLOSED", "Cannot use the journal: it is closed");
  }
}
