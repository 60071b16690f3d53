/**
 * What happened to one workspace, in a file that says enough to go through it again elsewhere.
 *
 * It holds no secrets: see `src/supervisor/without-secrets.ts` for what is taken out.
 */
import type { Failure } from "../../machines/failure.ts";
import type { WorkspaceConfig } from "./config.ts";
import type { Environment, Warning } from "./environment.ts";
import type { StopReason, TroupeEvent } from "./workspace.ts";

export interface Incident {
  readonly format: "troupe-incident";
  readonly version: 1;
  /** The version of troupe that wrote it: another one may have other charts. */
  readonly troupe: string;
  readonly exportedAt: number;
  readonly workspace: IncidentWorkspace;
  /** As it was when this was written; instances hold the environments that they were started with. */
  readonly config: WorkspaceConfig;
  /** Oldest first: those that the events are of. */
  readonly instances: readonly IncidentInstance[];
  /** In the order in which they happened. The time that a state had left is in the event that entered it. */
  readonly events: readonly TroupeEvent[];
  /** What is not in the file, in sentences. */
  readonly notes: readonly string[];
}

export interface IncidentWorkspace {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** As the journal had it when this was written; its events tell how it came to that. */
export interface IncidentInstance {
  readonly instanceId: string;
  readonly environment: Environment;
  readonly infrastructure: string;
  readonly desired: "running" | "stopped";
  readonly forced: boolean;
  readonly priority: number;
  readonly createdAt: number;
  readonly readyAt: number | null;
  readonly stoppedAt: number | null;
  readonly stopReason: StopReason | null;
  readonly failure: Failure | null;
  readonly warnings: readonly Warning[];
}

/** What stands where a secret was. */
export const REMOVED = "[removed]";
