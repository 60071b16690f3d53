import { type Problem, validationError } from "../errors.ts";
import { type Bytes, bytesOf, text } from "./codec.ts";
import type { InstanceTable } from "./instance-table.ts";
import type { JournalFile, Statement } from "./journal-file.ts";

export interface Retention {
  /** The newest this many events of a workspace are kept, and up to a tenth more for a while. Default 10,000. */
  readonly eventsPerWorkspace: number;
  /** The newest this many instances of a workspace are kept, and any older one that has not ended. Default 20. */
  readonly instancesPerWorkspace: number;
  /** How long events without instance (created, updated, deleted) are kept, in milliseconds. Default 30 days. */
  readonly recordEventsMs: number;
}

const defaults: Retention = {
  eventsPerWorkspace: 10_000,
  instancesPerWorkspace: 20,
  recordEventsMs: 30 * 24 * 60 * 60 * 1_000,
};

/** The bounds of one piece of work: rows removed, and events whose workspaces are looked at. Some ten milliseconds. */
const ROWS_PER_PIECE = 500;
const EVENTS_PER_PIECE = 500;

/** A workspace is looked at each time one of its instances has come this part of its limit further. */
const LOOKS_PER_LIMIT = 20;

interface Found {
  readonly position: number;
  readonly workspaceId: string;
  readonly at: number;
}

/** An event on the way through them. */
interface Passed extends Found {
  readonly sequence: number;
  readonly isOrphan: boolean;
}

/** Rows that a piece of work may still remove. */
interface Budget {
  rows: number;
}

/**
 * Removes what is kept no longer, a piece at a time. Transactions are the caller's.
 *
 * Only a workspace with new events can have too many, so this goes through the events once, in order, and looks now
 * and then at their workspaces: a million quiet ones cost nothing. Within a workspace the oldest events go first, so what
 * is left of an instance has no holes and its length is a subtraction.
 */
export class Pruner {
  readonly #limits: Retention;
  readonly #instances: InstanceTable;
  readonly #meta: Meta;
  readonly #recordEvents: Statement<Found>;
  readonly #eventsAfter: Statement<Passed>;
  readonly #oldestOfWorkspace: Statement<Found>;
  readonly #oldestOfInstance: Statement<Found>;
  readonly #count: Statement<{ readonly count: number }>;
  readonly #stragglers: Statement<string>;
  readonly #deleteEvent: Statement<never>;
  readonly #deleteEventsOf: Statement<never>;
  readonly #deleteActorsOf: Statement<never>;
  readonly #deleteDeadlinesOf: Statement<never>;
  readonly #setPrunedTo: Statement<never>;
  readonly #prunedTo: Statement<{ readonly pruned_to: number }>;

  constructor(file: JournalFile, instances: InstanceTable, retention: Partial<Retention>) {
    this.#limits = checked({ ...defaults, ...retention });
    this.#instances = instances;
    this.#meta = new Meta(file);
    const select = `SELECT position, at, ${bytesOf("workspace_id")} FROM events`;
    this.#recordEvents = file.prepare(
      `${select} INDEXED BY events_by_instance WHERE instance_id IS NULL ORDER BY position LIMIT ?`,
      found,
    );
    this.#eventsAfter = file.prepare(
      `SELECT position, at, ${bytesOf("workspace_id")}, sequence,
         NOT EXISTS (SELECT 1 FROM workspaces WHERE workspace_id = events.workspace_id) AS is_orphan
       FROM events WHERE position > ? ORDER BY position LIMIT ?`,
      passed,
    );
    this.#oldestOfWorkspace = file.prepare(
      `${select} INDEXED BY events_by_workspace WHERE workspace_id = ? ORDER BY position LIMIT ?`,
      found,
    );
    this.#oldestOfInstance = file.prepare(
      `${select} INDEXED BY events_by_instance WHERE instance_id = ? ORDER BY position LIMIT ?`,
      found,
    );
    const end = (where: string, order: "ASC" | "DESC") =>
      `(SELECT sequence FROM events WHERE ${where} ORDER BY position ${order} LIMIT 1)`;
    const ofInstance = "instance_id = instances.instance_id";
    const ofRecord = "workspace_id = ?1 AND instance_id IS NULL";
    this.#count = file.prepare(
      `SELECT coalesce((SELECT sum(${end(ofInstance, "DESC")} - ${end(ofInstance, "ASC")} + 1)
                        FROM instances WHERE workspace_id = ?1), 0)
            + coalesce(${end(ofRecord, "DESC")} - ${end(ofRecord, "ASC")} + 1, 0) AS count`,
    );
    // Events of a workspace that was deleted before they came.
    this.#stragglers = file.prepare(
      `SELECT DISTINCT ${bytesOf("instance_id")} FROM events INDEXED BY events_by_workspace
       WHERE workspace_id = ?1 AND instance_id IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM workspaces WHERE workspace_id = ?1)`,
      (row: { readonly instance_id: Bytes }) => text(row.instance_id),
    );
    this.#deleteEvent = file.prepare("DELETE FROM events WHERE position = ?");
    this.#deleteEventsOf = file.prepare("DELETE FROM events WHERE instance_id = ?");
    this.#deleteActorsOf = file.prepare("DELETE FROM actors WHERE instance_id = ?");
    this.#deleteDeadlinesOf = file.prepare("DELETE FROM deadlines WHERE instance_id = ?");
    this.#setPrunedTo = file.prepare("UPDATE workspaces SET pruned_to = max(pruned_to, ?) WHERE workspace_id = ?");
    this.#prunedTo = file.prepare("SELECT pruned_to FROM workspaces WHERE workspace_id = ?");
    this.#sweepAgainIfLimitsChanged();
  }

  /** The position of the last event that was pruned, of one workspace or of all; 0 if none was. */
  prunedTo(workspaceId?: string): number {
    const known = workspaceId === undefined ? undefined : this.#prunedTo.get(workspaceId)?.pruned_to;
    return known ?? this.#meta.number("prunedTo");
  }

  /** Does one piece of work. @returns whether more is left. */
  prune(now: number): boolean {
    const budget: Budget = { rows: ROWS_PER_PIECE };
    const isRecordsDone = this.#pruneRecords(now - this.#limits.recordEventsMs, budget);
    const isSweepDone = this.#sweep(budget);
    return !(isRecordsDone && isSweepDone);
  }

  /** Removes all of an instance at once. */
  deleteInstance(instanceId: string): void {
    this.#deleteEventsOf.run(instanceId);
    this.#deleteStateOf(instanceId);
  }

  #pruneRecords(before: number, budget: Budget): boolean {
    const oldest = this.#recordEvents.all(EVENTS_PER_PIECE);
    const young = oldest.findIndex(({ at }) => at >= before);
    this.#remove(young === -1 ? oldest : oldest.slice(0, young), budget);
    return young !== -1 || oldest.length < EVENTS_PER_PIECE;
  }

  /** Looks at the workspaces of the next events. Goes on from the same place if the budget did not suffice. */
  #sweep(budget: Budget): boolean {
    const next = this.#eventsAfter.all(this.#meta.number("swept"), EVENTS_PER_PIECE);
    const last = next.at(-1);
    if (last === undefined) return true;
    const worthALook = next.filter((event) => this.#isWorthALook(event));
    for (const workspaceId of new Set(worthALook.map((event) => event.workspaceId))) {
      if (!this.#trim(workspaceId, budget)) return false;
    }
    this.#meta.set("swept", last.position);
    return next.length < EVENTS_PER_PIECE;
  }

  /** A new instance, a good many more events of one, or what came after its workspace was deleted. */
  #isWorthALook({ sequence, isOrphan }: Passed): boolean {
    const every = Math.max(1, Math.floor(this.#limits.eventsPerWorkspace / LOOKS_PER_LIMIT));
    return isOrphan || sequence === 1 || sequence % every === 0;
  }

  /** @returns whether nothing is left to remove of the workspace. */
  #trim(workspaceId: string, budget: Budget): boolean {
    const ended = this.#instances.endedBeyond(workspaceId, this.#limits.instancesPerWorkspace);
    const stragglers = this.#stragglers.all(workspaceId);
    for (const instanceId of [...ended, ...stragglers]) {
      this.#remove(this.#oldestOfInstance.all(instanceId, budget.rows), budget);
      if (budget.rows <= 0) return false;
      this.#deleteStateOf(instanceId);
    }
    const excess = (this.#count.get(workspaceId)?.count ?? 0) - this.#limits.eventsPerWorkspace;
    if (excess <= 0) return true;
    this.#remove(this.#oldestOfWorkspace.all(workspaceId, Math.min(excess, budget.rows)), budget);
    return budget.rows > 0;
  }

  #remove(events: readonly Found[], budget: Budget): void {
    const last = events.at(-1);
    if (last === undefined) return;
    for (const { position } of events) this.#deleteEvent.run(position);
    const lastOf = new Map(events.map(({ workspaceId, position }) => [workspaceId, position]));
    for (const [workspaceId, position] of lastOf) this.#setPrunedTo.run(position, workspaceId);
    this.#meta.set("prunedTo", Math.max(last.position, this.#meta.number("prunedTo")));
    budget.rows -= events.length;
  }

  #deleteStateOf(instanceId: string): void {
    this.#deleteActorsOf.run(instanceId);
    this.#deleteDeadlinesOf.run(instanceId);
    this.#instances.delete(instanceId);
  }

  #sweepAgainIfLimitsChanged(): void {
    const limits = JSON.stringify(this.#limits);
    if (this.#meta.text("limits") === limits) return;
    this.#meta.set("swept", 0);
    this.#meta.set("limits", limits);
  }
}

/** What the pruner remembers between its pieces. */
class Meta {
  readonly #get: Statement<string>;
  readonly #set: Statement<never>;

  constructor(file: JournalFile) {
    this.#get = file.prepare(
      `SELECT ${bytesOf("value")} FROM meta WHERE key = 'retention.' || ?`,
      (row: { readonly value: Bytes }) => text(row.value),
    );
    this.#set = file.prepare(
      "INSERT INTO meta VALUES ('retention.' || ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    );
  }

  text(key: string): string | undefined {
    return this.#get.get(key);
  }

  number(key: string): number {
    return Number(this.text(key) ?? 0);
  }

  set(key: string, value: string | number): void {
    this.#set.run(key, String(value));
  }
}

interface FoundRow {
  readonly position: number;
  readonly at: number;
  readonly workspace_id: Bytes;
}

function found(row: FoundRow): Found {
  return { position: row.position, at: row.at, workspaceId: text(row.workspace_id) };
}

function passed(row: FoundRow & { readonly sequence: number; readonly is_orphan: number }): Passed {
  return { ...found(row), sequence: row.sequence, isOrphan: row.is_orphan === 1 };
}

function checked(retention: Retention): Retention {
  const problems: Problem[] = Object.entries(retention)
    .filter(([, value]) => !Number.isSafeInteger(value) || value < 1)
    .map(([path, value]) => ({ path, message: `is ${value}, not a positive integer` }));
  if (problems.length > 0) throw validationError("the journal's retention", problems);
  return retention;
}
