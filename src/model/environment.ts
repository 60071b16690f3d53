/**
 * A resolved environment: what the user wrote, validated whole, with installers ordered and defaults filled in.
 *
 * Plain JSON: it is stored with the instance, so that a restarted supervisor goes on with what was
 * started, whatever has become of the workspace's config since.
 */
import type { RestartPolicy } from "../../machines/restart.ts";

export interface Environment {
  /** The environment's name in the workspace's config. */
  readonly name: string;
  readonly recipeType: string;
  readonly machines: Readonly<Record<string, MachineSpec>>;
  readonly strategy: Strategy;
  readonly warnings: readonly Warning[];
}

/** What is not wrong, but not quite as the user may think. Codes below 5000 are Che's. */
export interface Warning {
  readonly code: number;
  readonly message: string;
}

/** What the workspace does about a machine that failed and may not be restarted again. */
export interface Strategy {
  /**
   * `stop-workspace`: the workspace fails. `one-for-one`: that machine alone is given up.
   * `one-for-all`: all machines are stopped and launched again.
   */
  readonly onFailure: "stop-workspace" | "one-for-one" | "one-for-all";
  /** How often `one-for-all` may happen within `withinMs`; after that the workspace fails. */
  readonly maxRestarts: number;
  readonly withinMs: number;
}

/** What must be true of another machine before this one starts. `healthy`: its servers are ready. */
export type DependencyCondition = "started" | "healthy" | "completed";

export interface MachineSpec {
  readonly name: string;
  /** Program and arguments; never a shell unless the user wrote one. `null`: the machine only holds its installers' processes. */
  readonly command: readonly string[] | null;
  /** Relative paths start at the machine's own directory. */
  readonly workingDir: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly dependsOn: Readonly<Record<string, DependencyCondition>>;
  /** In the order in which they run. */
  readonly installers: readonly InstallerSpec[];
  /** By name: the machine's own, and those its installers bring. */
  readonly servers: Readonly<Record<string, ServerSpec>>;
  /** By name. Machines that use the same name share the directory. */
  readonly volumes: Readonly<Record<string, VolumeSpec>>;
  readonly memoryLimitBytes: number | null;
  readonly restart: RestartPolicy;
  /** Between asking the machine to end and ending it, in milliseconds. */
  readonly graceMs: number;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface VolumeSpec {
  /** Where a container sees it; a process machine finds it linked below its directory by name. */
  readonly path: string | null;
}

export interface InstallerSpec {
  readonly id: string;
  readonly version: string;
  readonly name: string;
  readonly description: string;
  /** Run by `/bin/sh` in the machine's directory, with the machine's environment. */
  readonly script: string;
  /** Names of the machine's servers that this installer brings up. */
  readonly servers: readonly string[];
  readonly timeoutMs: number;
}

export interface ServerSpec {
  readonly name: string;
  /** A port, or `auto` for a free one. */
  readonly port: number | "auto";
  readonly transport: "tcp" | "udp";
  /** The URL's scheme: `http`, `https`, `ws`, `wss`, `tcp`, … */
  readonly protocol: string;
  /** Empty, or begins with `/`. */
  readonly path: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Reachable only from the workspace's other machines. */
  readonly internal: boolean;
  readonly readiness: ReadinessSpec;
  readonly liveness: LivenessSpec;
}

/** What one probe does. */
export interface ProbeSpec {
  /** `tcp`: a connection is accepted. `http`: a GET is answered with an expected status. `none`: always passes. */
  readonly type: "tcp" | "http" | "none";
  /** For `http`. */
  readonly path: string;
  /** For `http`: inclusive range. */
  readonly expectedStatus: { readonly from: number; readonly to: number };
  /** The longest one probe may take, in milliseconds. */
  readonly timeoutMs: number;
}

export interface ReadinessSpec extends ProbeSpec {
  /** The longest wait between two probes; the first come after 5 ms and back off to this. */
  readonly periodMs: number;
  readonly successThreshold: number;
  /** The server must be ready within this, in milliseconds. */
  readonly budgetMs: number;
}

export interface LivenessSpec extends ProbeSpec {
  readonly periodMs: number;
  readonly failureThreshold: number;
  readonly successThreshold: number;
}
