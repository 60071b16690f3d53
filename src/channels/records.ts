/** What a status channel says, in process and on every wire. */
import type { TroupeEvent, WorkspaceView } from "../model/workspace.ts";

/**
 * A place in the order of all events: `epoch.position`, opaque to subscribers.
 *
 * The epoch is the journal's: a cursor of another journal is answered by a gap and a snapshot, never by silence.
 */
export type Cursor = string;

export type ChannelRecord =
  /** The state as it is now. First record of a subscription without cursor; also follows every gap. */
  | {
      readonly type: "snapshot";
      readonly cursor: Cursor;
      readonly workspaces: readonly WorkspaceView[];
      readonly more: boolean;
    }
  /** What happened next, in order, once. */
  | { readonly type: "events"; readonly cursor: Cursor; readonly events: readonly TroupeEvent[] }
  /** Events after `from` up to `to` are left out, since some of them can't be had any more. A snapshot follows. */
  | { readonly type: "gap"; readonly from: Cursor; readonly to: Cursor; readonly reason: "retention" | "epoch" };

/** With policy `state`: the workspaces that changed since the last record, each as it is now. What lay between is left out. */
export interface StateRecord {
  readonly type: "state";
  readonly cursor: Cursor;
  readonly workspaces: readonly WorkspaceView[];
  readonly deleted: readonly string[];
}
