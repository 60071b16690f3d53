/** What every protocol and every embedding program calls. */

import type { SubscribeOptions, Subscription } from "../channels/hub.ts";
import type { RecipeRegistry } from "../environment/recipes.ts";
import type { Infrastructure, OutputCursor, OutputRecord } from "../infrastructure/spi.ts";
import type { InstallerRegistry } from "../installers/registry.ts";
import type { Journal, LeakRow, Page } from "../journal/spi.ts";
import type { WorkspaceConfig } from "../model/config.ts";
import type { Warning } from "../model/environment.ts";
import type { Incident } from "../model/incident.ts";
import type { StopReason, TroupeEvent, WorkspaceStatus, WorkspaceView } from "../model/workspace.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";

export interface SupervisorOptions {
  readonly infrastructures: readonly Infrastructure[];
  readonly journal: Journal;
  /** Default: an empty registry; installers given inline in a config always work. */
  readonly installers?: InstallerRegistry;
  /** Default: the recipe types that troupe knows. */
  readonly recipes?: RecipeRegistry;
  readonly limits?: Partial<Limits>;
  /** Default: silent. */
  readonly logger?: Logger;
  /** Default: kept, and shown to nobody. */
  readonly metrics?: Metrics;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export interface Limits {
  /** Starts that are under way at the same time. Default: twice the processors. */
  readonly concurrentStarts: number;
  /** Workspaces of one owner that are not stopped. Default: no limit. */
  readonly runningPerOwner: number;
}

/** Time, as the supervisor and the charts see it. Durations in milliseconds. */
export interface Clock {
  now(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}

export interface StartOptions {
  /** Default: the config's default environment. */
  readonly environment?: string;
  /** Higher starts first. Default 0. */
  readonly priority?: number;
}

export interface StopOptions {
  /** Ends machines at once instead of asking them first. */
  readonly force?: boolean;
  readonly reason?: StopReason;
}

/** What `wait` waits for. */
export type WaitCondition =
  | { readonly for: "running" }
  | { readonly for: "stopped" }
  | {
      readonly for: "server";
      readonly machine: string;
      readonly server: string;
      readonly status: "RUNNING" | "STOPPED";
    };

/** Why a workspace is as it is, in sentences and with the proof. */
export interface Why {
  readonly workspace: WorkspaceView;
  /** One sentence: `"shop" is STARTING: machine "web" waits for server "http" (12 s of 180 s)`. */
  readonly summary: string;
  /** From the workspace down to the leaf that it is about. */
  readonly chain: readonly {
    readonly actor: string;
    readonly state: string;
    readonly message: string;
    readonly elapsedMs: number;
    readonly budgetMs: number | null;
  }[];
  /** The last lines of the leaf's output. */
  readonly lastLines: readonly string[];
  /** The events that led here, newest last, at most 20. */
  readonly events: readonly TroupeEvent[];
}

export interface Health {
  readonly status: "ok" | "closing";
  readonly workspaces: Readonly<Record<WorkspaceStatus, number>>;
  readonly recovering: number;
  readonly queuedStarts: number;
  readonly leaks: number;
  readonly infrastructures: readonly string[];
}

export interface LogQuery {
  /** Default: all machines. */
  readonly machine?: string;
  /** By machine, then as {@link OutputCursor}. */
  readonly cursor?: Readonly<Record<string, OutputCursor>>;
  /** Default false. */
  readonly follow?: boolean;
  /** At most this many lines per stream before the end, where the cursor does not say. */
  readonly tail?: number;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/**
 * Runs workspaces. Several may live in one process; none touches signals, `process.exit`, globals or the console.
 *
 * `key` is a workspace's id, its name, or `owner/name`. Commands are durable when they return.
 */
export interface Supervisor {
  /** The journal's: with a position it is a cursor, `epoch.position`. */
  readonly epoch: string;

  /** @throws {TroupeError} `CONFIG_INVALID` with every problem; `WORKSPACE_EXISTS`. */
  create(
    config: unknown,
    options?: { readonly owner?: string; readonly attributes?: Record<string, string> },
  ): WorkspaceView;
  /** Takes effect with the next start. @throws {TroupeError} `WORKSPACE_CONFLICT` if `version` is not the record's. */
  update(key: string, config: unknown, options?: { readonly version?: number }): WorkspaceView;
  get(key: string): WorkspaceView;
  config(key: string): WorkspaceConfig;
  list(query?: { owner?: string; status?: WorkspaceStatus; after?: string; limit?: number }): Page<WorkspaceView>;

  /**
   * Wants the workspace to run. While it runs or starts already: changes nothing. While it stops: the new start
   * waits until the old instance has stopped, and its id is in `nextInstanceId`.
   *
   * @throws {TroupeError} `CONFIG_INVALID`, before anything is started; `LIMIT_REACHED`.
   */
  start(key: string, options?: StartOptions): WorkspaceView;
  /** Wants it to be stopped, in whatever state it is. A second stop forces. On a stopped workspace: changes nothing. */
  stop(key: string, options?: StopOptions): WorkspaceView;
  /** Stops it if need be, then removes it and its volumes. */
  delete(key: string): Promise<void>;

  /**
   * Resolves when the condition holds.
   *
   * @throws {TroupeError} `WAIT_TIMEOUT` after `timeoutMs` (default 60,000; at most 24 h); `WAIT_FAILED`, with the
   * workspace's failure, when it can no longer come true because the workspace stopped.
   */
  wait(
    key: string,
    condition: WaitCondition,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<WorkspaceView>;

  why(key: string): Promise<Why>;
  /** @throws {TroupeError} `CURSOR_GONE` if events after `after` are no longer kept. */
  events(key: string, query?: { after?: number; instanceId?: string; limit?: number }): readonly TroupeEvent[];
  /**
   * All that is kept of the workspace, or of one instance of it, to be replayed elsewhere; without secrets, and at most
   * 50,000 events. @throws {TroupeError} `NOT_FOUND` if it has no such instance.
   */
  export(key: string, query?: { readonly instanceId?: string }): Promise<Incident>;
  /** Of the current instance; of a stopped one what was kept of it: the last lines of each stream. */
  logs(key: string, query?: LogQuery): AsyncIterable<OutputRecord>;
  leaks(): readonly LeakRow[];
  health(): Health;
  /** Warnings of a config that is valid. @throws {TroupeError} `CONFIG_INVALID`. */
  validate(config: unknown): readonly Warning[];

  /** Events and state of one workspace (`key`) or of all. See `src/channels/hub.ts`. */
  subscribe(topic: { readonly workspace: string } | "all", options?: SubscribeOptions): Subscription;

  /** Ends the supervisor; machines go on running and are adopted by the next one. */
  suspend(): Promise<void>;
  /** Stops all workspaces, then ends. After `graceMs` (default 60,000) stops are forced. */
  terminate(options?: { readonly graceMs?: number }): Promise<void>;
}
