import { TroupeError } from "../../errors.ts";
import type { Fault, Operation } from "../../infrastructure/simulated/index.ts";
import type { Doom } from "../mortal-process.ts";

/**
 * A story about some workspaces, or about one chart, told step by step: what users, machines, the infrastructure and the
 * operating system did. Plain JSON. The same script is the same story every time.
 */
export interface Script {
  readonly format: "troupe-script";
  readonly version: 1;
  /** Of what the steps do not say: how long each operation takes, and which of the timers that are due at the same time fires first. */
  readonly seed: number;
  readonly config: ScriptConfig;
  readonly steps: readonly Step[];
}

export type ScriptConfig = SupervisorConfig | ChartConfig;

/** A whole supervisor on simulated machines. */
export interface SupervisorConfig {
  readonly subject: "supervisor";
  /** As users write them; steps name them by their place here. */
  readonly workspaces: readonly object[];
  readonly concurrentStarts: number;
  /** Operations take from nothing to this, in milliseconds. */
  readonly longestOperationMs: number;
  /** What is asked for after the last step, when all faults are healed; and has to come. */
  readonly ending: "stopped" | "running";
}

/** The chart of one machine alone: its ports are the steps'. */
export interface ChartConfig {
  readonly subject: "machine";
  readonly installers: number;
  readonly servers: number;
  readonly restart: "permanent" | "transient" | "temporary";
  readonly maxRestarts: number;
  /** What a recovery found; `new` for a first start. */
  readonly was: "new" | "starting" | "ready" | "completed" | "failed" | "stopped";
  readonly is: "absent" | "created" | "running" | "exited";
}

/** A {@link Fault} as JSON. */
export interface FaultStep
  extends Pick<Fault, "machine" | "times" | "afterEffect" | "inPart" | "onAbort" | "lies" | "reports"> {
  readonly do: "fault";
  readonly operation: Operation;
  readonly delayMs?: number | "forever";
  /** Its class. */
  readonly error?: "infrastructure" | "validation" | "internal";
}

/** `of`: a workspace's place in the config. A step that cannot be done (the machine does not run) is passed over. */
export type SupervisorStep =
  | { readonly do: "start"; readonly of: number }
  | { readonly do: "stop"; readonly of: number; readonly force: boolean }
  | { readonly do: "delete"; readonly of: number }
  /** What no supervisor may accept: an invalid config, an unknown environment, an unknown workspace. */
  | { readonly do: "nonsense"; readonly what: "config" | "environment" | "workspace" }
  | { readonly do: "wait"; readonly ms: number }
  /** One of the operations under way comes to its end now. */
  | { readonly do: "settle"; readonly pick: number }
  | { readonly do: "exit"; readonly of: number; readonly machine: string; readonly code: number | "oom" }
  | { readonly do: "connection"; readonly of: number; readonly machine: string; readonly is: "lost" | "found" }
  | { readonly do: "jam"; readonly of: number; readonly machine: string; readonly isJammed: boolean }
  | { readonly do: "serve"; readonly of: number; readonly machine: string; readonly answers: boolean }
  | { readonly do: "flood"; readonly of: number; readonly machine: string; readonly lines: number }
  | FaultStep
  /** `kill -9`: now, or at a later write to the journal. The next process comes after `downMs`. */
  | { readonly do: "kill"; readonly doom: Doom | null; readonly downMs: number }
  /** An orderly end, and the next process. */
  | { readonly do: "suspend" }
  /** The slow subscriber takes a record. */
  | { readonly do: "read" }
  /** The subscriber that resumes goes away and comes back. */
  | { readonly do: "resubscribe" };

export type ChartStep =
  | { readonly do: "command"; readonly command: "start" | "stop" | "kill" }
  /** One of the ports under way comes to its end; with a machine that ended, a script that failed, … */
  | { readonly do: "port"; readonly pick: number; readonly outcome: "done" | "failed" }
  | { readonly do: "fact"; readonly fact: "away" | "back" | "exit 0" | "exit 1" }
  /** An answer or a miss of a server that is probed. */
  | { readonly do: "probe"; readonly pick: number; readonly passed: boolean }
  | { readonly do: "pass"; readonly ms: number };

export type Step = SupervisorStep | ChartStep;

/**
 * Reads what was written as a script.
 *
 * @throws {TroupeError} `REQUEST_INVALID` if it is none, or of a version that this one does not know
 */
export function parseScript(text: string): Script {
  const script = parsed(text) as Partial<Script> | null;
  if (script?.format !== "troupe-script") throw unusable('its "format" is not "troupe-script"');
  if (script.version !== 1) throw unusable(`its version is ${String(script.version)}, and only 1 is known here`);
  if (!Number.isSafeInteger(script.seed)) throw unusable('its "seed" is not a whole number');
  if (!["supervisor", "machine"].includes(script.config?.subject ?? "")) throw unusable('it has no "config.subject"');
  if (!Array.isArray(script.steps)) throw unusable('it has no "steps"');
  return script as Script;
}

/** A step on one line. */
export function describeStep(step: Step): string {
  const { do: verb, ...rest } = step;
  const details = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [verb, ...details].join(" ");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unusable("it is not JSON", error);
  }
}

function unusable(why: string, cause?: unknown): TroupeError {
  return new TroupeError("REQUEST_INVALID", `Cannot replay the script: ${why}`, cause === undefined ? {} : { cause });
}
