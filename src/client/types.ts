/** What the client asks for and is answered, where the model has no type of its own for it. */
import type { ChannelRecord, Cursor, StateRecord } from "../channels/records.ts";
import type { OutputRecord } from "../infrastructure/spi.ts";
import type { TroupeEvent, WorkspaceStatus, WorkspaceView } from "../model/workspace.ts";
import type { Health } from "../supervisor/api.ts";

/** A workspace file: its text (YAML or JSON), or what the text describes. */
export type ConfigInput = string | object;

export interface ServerHealth extends Health {
  /** Where the output listener is; `http:` or `https:`. */
  readonly outputUrl: string;
}

export interface WorkspaceListQuery {
  readonly owner?: string;
  readonly status?: WorkspaceStatus;
  /** `next` of the page before. */
  readonly after?: string;
  /** 1 to 1,000; default 100. */
  readonly limit?: number;
}

export interface WorkspacePage {
  readonly workspaces: readonly WorkspaceView[];
  /** Pass as `after` for the next page; `null` on the last one. */
  readonly next: string | null;
}

export interface EventPageQuery {
  readonly after?: Cursor;
  readonly instanceId?: string;
  /** 1 to 1,000; default 100. */
  readonly limit?: number;
}

export interface EventPage {
  readonly events: readonly TroupeEvent[];
  readonly cursor: Cursor;
}

export interface LogPageQuery {
  /** Default: all machines. */
  readonly machine?: string;
  readonly cursor?: string;
  /** At most this many lines per stream before the end, where the cursor does not say. */
  readonly tail?: number;
  /** Lines, 1 to 10,000; default 1,000. */
  readonly limit?: number;
}

export interface LogPage {
  readonly records: readonly OutputRecord[];
  readonly cursor: string;
  /** Whether there was more when this was read. */
  readonly more: boolean;
}

export type ChannelOptions = (
  | { readonly topic: "all" }
  /** `workspace`: an id, a name, or `owner/name`. */
  | { readonly topic: "workspace"; readonly workspace: string }
) & {
  /** `events` (default): every event, once, in order. `state`: the latest view of what changed. */
  readonly policy?: "events" | "state";
  /** A cursor from an earlier record. Without it the first record is a snapshot. */
  readonly since?: Cursor;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
};

export type ChannelUpdate = ChannelRecord | StateRecord;

export interface OutputOptions {
  /** An id, a name, or `owner/name`. */
  readonly workspace: string;
  /** Default: all machines. */
  readonly machine?: string;
  readonly since?: string;
  /** At most this many lines per stream before the end, where there is no cursor. */
  readonly tail?: number;
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
}

export interface OutputUpdate {
  readonly records: readonly OutputRecord[];
  readonly cursor: string;
}
