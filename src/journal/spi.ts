/**
 * The durable record: what was asked for, what became of it, and what may still exist.
 *
 * The calls are synchronous: when one returns, what it wrote would survive `kill -9` (and, for the
 * methods that say *durable*, a power cut). A writer therefore needs no lock, and a command can be
 * acknowledged in the same turn of the event loop. One supervisor at a time holds a journal.
 */
import type { Failure } from "../../machines/failure.ts";
import type { Source } from "../../machines/port.ts";
import type { InstanceRef, Leak } from "../infrastructure/spi.ts";
import type { WorkspaceConfig } from "../model/config.ts";
import type { Environment, Warning } from "../model/environment.ts";
import type { OutputLine, StopReason, TroupeEvent, WorkspaceStatus } from "../model/workspace.ts";

export interface WorkspaceRow {
  readonly workspaceId: string;
  readonly owner: string;
  /** Unique among the owner's workspaces. */
  readonly name: string;
  readonly config: WorkspaceConfig;
  readonly attributes: Readonly<Record<string, string>>;
  /** 1 when created, plus one with every update of the record. */
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The current or last instance. */
  readonly instanceId: string | null;
  /** Of the last transition of the workspace's chart. */
  readonly status: WorkspaceStatus;
  /** When it was asked to be deleted: it goes once it has stopped. */
  readonly deletingSince: number | null;
}

export interface InstanceRow extends InstanceRef {
  readonly environment: Environment;
  readonly infrastructure: string;
  readonly desired: "running" | "stopped";
  readonly forced: boolean;
  readonly priority: number;
  readonly createdAt: number;
  readonly readyAt: number | null;
  /** Set when the instance has ended; an instance without it is recovered at boot. */
  readonly stoppedAt: number | null;
  readonly stopReason: StopReason | null;
  readonly failure: Failure | null;
  readonly warnings: readonly Warning[];
  /** The last lines of each stream, kept when the instance's files are removed; in order within each stream. */
  readonly lastOutput: readonly OutputLine[];
}

/** The last that is known of one actor of an instance. */
export interface ActorRow {
  readonly instanceId: string;
  readonly source: Source;
  readonly state: string;
  readonly status: string;
  readonly at: number;
  readonly deadlineAt: number | null;
  readonly budgetMs: number | null;
  readonly failure: Failure | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A transition on its way into the journal, which gives it its numbers. */
export type NewEvent = Omit<TroupeEvent, "position" | "sequence">;

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Pass as `after` for the next page; `null` on the last one. */
  readonly next: string | null;
}

export interface WorkspaceQuery {
  readonly owner?: string;
  readonly status?: WorkspaceStatus;
  /** Opaque, from an earlier page. */
  readonly after?: string;
  /** 1 to 1,000. */
  readonly limit: number;
}

export interface EventQuery {
  readonly workspaceId?: string;
  readonly instanceId?: string;
  /** Only events with a greater position. */
  readonly after: number;
  readonly limit: number;
}

export interface LeakRow extends InstanceRef, Leak {
  readonly infrastructure: string;
  /** When it was first found, in milliseconds since 1970. */
  readonly since: number;
  readonly attempts: number;
}

/** When a state must be left. */
export interface Deadline {
  readonly source: Source;
  readonly state: string;
  /** In milliseconds since 1970. */
  readonly at: number;
}

/** A deadline that runs from now on (in place of an earlier one of its state), or, with `at: null`, no longer. */
export type DeadlineChange = Pick<Deadline, "source" | "state"> & {
  readonly instanceId: string;
  readonly at: number | null;
};

/** What one turn of the event loop wants recorded; one transaction. */
export interface Turn {
  /** Each also becomes the last known of its actor. */
  readonly events: readonly NewEvent[];
  /** Changes of instances that go with them. */
  readonly instances: readonly (Pick<InstanceRow, "instanceId"> & Partial<InstanceRow>)[];
  readonly deadlines?: readonly DeadlineChange[];
}

export interface Journal {
  /** Made with the file; positions of another epoch mean nothing here. */
  readonly epoch: string;

  /**
   * The `events` tell of it: they are recorded with it, all or nothing, and returned with their numbers; so with the other two.
   *
   * @throws {TroupeError} `WORKSPACE_EXISTS` if the owner has one of that name. Durable.
   */
  createWorkspace(row: WorkspaceRow, ...events: readonly NewEvent[]): readonly TroupeEvent[];
  /**
   * Writes `row` over `version` = `row.version - 1`. What the other methods write (`instanceId`, `status`, `deletingSince`)
   * stays as it is. @throws {TroupeError} `WORKSPACE_CONFLICT`, `WORKSPACE_EXISTS`, `WORKSPACE_NOT_FOUND`. Durable.
   */
  updateWorkspace(row: WorkspaceRow, ...events: readonly NewEvent[]): readonly TroupeEvent[];
  /** Marks it as to be deleted. Durable. */
  markDeleting(workspaceId: string, at: number): void;
  /** Removes the workspace with all its instances and their events; the events without instance stay until retention. Durable. */
  deleteWorkspace(workspaceId: string, ...events: readonly NewEvent[]): readonly TroupeEvent[];
  workspace(workspaceId: string): WorkspaceRow | undefined;
  workspaceByName(owner: string, name: string): WorkspaceRow | undefined;
  /** In the order of creation, newest last. */
  workspaces(query: WorkspaceQuery): Page<WorkspaceRow>;
  /** Those that are marked as to be deleted and are still there. */
  deletingWorkspaces(): readonly WorkspaceRow[];
  /** How many there are, by status. */
  countWorkspaces(): Readonly<Record<WorkspaceStatus, number>>;

  /** The intent to run: the instance with all that is needed to go on after a crash; becomes the workspace's `instanceId` unless one is still active. Durable. */
  createInstance(row: InstanceRow): void;
  /** Makes a created instance the workspace's current one. */
  makeCurrent(ref: InstanceRef): void;
  /** A changed intent: `desired`, `forced`, `stopReason`. Durable. */
  intend(ref: InstanceRef, intent: Pick<InstanceRow, "desired" | "forced" | "stopReason">): void;
  instance(instanceId: string): InstanceRow | undefined;
  /** Instances that have not ended, oldest first: what recovery goes through. */
  activeInstances(): readonly InstanceRow[];
  actors(instanceId: string): readonly ActorRow[];

  /** Records a turn in one transaction and gives the events their numbers. */
  append(turn: Turn): readonly TroupeEvent[];
  events(query: EventQuery): readonly TroupeEvent[];
  /**
   * From `first` on every event is still kept (1 if nothing was ever pruned), of all workspaces or of one: reading on from
   * `first - 1` or later misses nothing but the events of deleted workspaces. `last` is the last position given (0 if none).
   */
  bounds(workspaceId?: string): { readonly first: number; readonly last: number };

  /** The deadlines that run in an instance: when the states that wait must be left. */
  deadlines(instanceId: string): readonly Deadline[];

  /** The leak ledger. Replaces what was known of the instance; an empty list clears it. Durable. */
  recordLeaks(ref: InstanceRef, infrastructure: string, leaks: readonly Leak[], at: number): void;
  leaks(): readonly LeakRow[];

  /** Drops what retention no longer keeps; does a bounded piece of work per call. @returns whether more is left to do. */
  prune(now: number): boolean;
  close(): void;
}
