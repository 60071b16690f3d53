/** A workspace as it is stored and as everybody sees it. */
import type { Exit, Failure } from "../../machines/failure.ts";
import type { Source } from "../../machines/port.ts";
import type { Warning } from "./environment.ts";

export type WorkspaceStatus = "STARTING" | "RUNNING" | "STOPPING" | "STOPPED";
export type MachineStatus = "STARTING" | "RUNNING" | "STOPPED" | "FAILED";
export type InstallerStatus = "STARTING" | "RUNNING" | "DONE" | "FAILED";
export type ServerStatus = "UNKNOWN" | "RUNNING" | "STOPPED";

/** What every part of the live tree has. Status comes from the chart's tags, never from anywhere else. */
export interface ActorView {
  /** The chart's state, dotted: `starting.launching`; parallel regions joined by ` & `. */
  readonly state: string;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** When the state's budget is used up; `null` where nothing is waited for. */
  readonly deadlineAt: number | null;
  readonly budgetMs: number | null;
  readonly failure: Failure | null;
}

export interface ServerView extends ActorView {
  readonly status: ServerStatus;
  /** Known once the machine runs. */
  readonly url: string | null;
  readonly internal: boolean;
  readonly attributes: Readonly<Record<string, string>>;
  /** What the last probe said. */
  readonly lastProbe: string | null;
}

export interface InstallerView extends ActorView {
  readonly status: InstallerStatus;
  readonly version: string;
}

export interface MachineView extends ActorView {
  readonly status: MachineStatus;
  readonly attributes: Readonly<Record<string, string>>;
  readonly exit: Exit | null;
  /** Restarts that still count against the budget. */
  readonly restarts: number;
  readonly servers: Readonly<Record<string, ServerView>>;
  /** In the order in which they run. */
  readonly installers: Readonly<Record<string, InstallerView>>;
}

/** Who or what asked for a stop, and why. */
export interface StopReason {
  readonly by: "user" | "failure" | "supervisor" | "completed";
  readonly message: string;
}

/** A workspace with the tree of its current instance, or of the last one. */
export interface WorkspaceView extends ActorView {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly status: WorkspaceStatus;
  readonly desired: "running" | "stopped";
  readonly attributes: Readonly<Record<string, string>>;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of the record; for updates without lost changes. */
  readonly version: number;
  /** The current start, or the last one; `null` before the first. */
  readonly instanceId: string | null;
  /** A start that waits until the current instance has stopped. */
  readonly nextInstanceId: string | null;
  readonly environment: string | null;
  readonly infrastructure: string | null;
  readonly startedAt: number | null;
  readonly readyAt: number | null;
  readonly stoppedAt: number | null;
  readonly stopReason: StopReason | null;
  readonly warnings: readonly Warning[];
  readonly machines: Readonly<Record<string, MachineView>>;
}

/**
 * One fact: a transition of one chart, or a change of a workspace's record.
 *
 * `position` orders all events of a journal; (`instanceId`, `sequence`) identifies one for ever.
 */
export interface TroupeEvent {
  readonly position: number;
  readonly workspaceId: string;
  /** `null` for changes of the record: created, updated, deleted. */
  readonly instanceId: string | null;
  /** From 1, without holes, within the instance (or, without one, within the workspace's record). */
  readonly sequence: number;
  readonly at: number;
  readonly source: Source;
  readonly from: string | null;
  readonly to: string;
  /** The status of the source after it. */
  readonly status: string;
  /** The event that caused the transition: `workspace.stop`, `deadline reached`, `createMachine failed`. */
  readonly cause: string;
  readonly deadlineAt: number | null;
  readonly budgetMs: number | null;
  readonly failure: Failure | null;
  /** What else the source shows: `url`, `exit`, `lastProbe`, … */
  readonly data: Readonly<Record<string, unknown>>;
}

/** One line (or piece of a very long line) that a machine or an installer wrote. */
export interface OutputLine {
  readonly machine: string;
  /** The installer that wrote it; `null` for the machine's own command. */
  readonly installer: string | null;
  /** Byte position after the line in its stream: orders and identifies lines of one stream. */
  readonly position: number;
  /** When it was read, in milliseconds since 1970; for lines read late, when their file was last written. */
  readonly at: number;
  readonly text: string;
}

export function sourceKey(source: Source): string {
  switch (source.kind) {
    case "workspace":
      return "workspace";
    case "machine":
      return `machine ${source.machine}`;
    case "installer":
    case "server":
      return `${source.kind} ${source.machine} ${source.name}`;
  }
}
