/**
 * What a place that runs machines must be able to do.
 *
 * The charts orchestrate; an infrastructure only does and observes. One folder per place; all of them pass
 * the conformance kit (`troupe/testing`). Every operation:
 *
 * - is idempotent by instance id (and machine name): called again after a crash it finishes the same work;
 * - settles soon after `signal` aborts, rejecting with `signal.reason`. Aborting means *let go of it*: an operation that
 *   cannot be cancelled may go on, and what it creates late is removed by the next `destroy` of that instance;
 *   machines and installers that already run are not ended by it;
 * - rejects with `TroupeError` for anything the caller can act on: class `validation` for the user's data,
 *   `infrastructure` for other failures, `internal` for what an administrator must look at;
 * - touches only what bears the instance id it was called with.
 *
 * No operation has a time limit of its own: the charts give each a budget, by `signal`.
 */
import type { Exit } from "../../machines/failure.ts";
import type { Environment, ProbeSpec, Warning } from "../model/environment.ts";
import type { OutputLine } from "../model/workspace.ts";

/** One start of a workspace. */
export interface InstanceRef {
  readonly workspaceId: string;
  readonly instanceId: string;
}

/** All that an infrastructure needs to know of an instance. The caller keeps it; nothing of it is remembered between calls. */
export interface Instance extends InstanceRef {
  readonly workspaceName: string;
  readonly owner: string;
  readonly environment: Environment;
}

/** Told while long work goes on. `current` and `total` in `unit`; `total` is 0 where nobody knows. */
export type Progress = (step: {
  readonly message: string;
  readonly current: number;
  readonly total: number;
  readonly unit: string;
}) => void;

/** Where a server of a running machine is reached. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  /** `protocol://host:port/path`. */
  readonly url: string;
}

export interface StartedMachine {
  /** By server name: every server of the machine. */
  readonly addresses: Readonly<Record<string, ServerAddress>>;
  readonly warnings: readonly Warning[];
  /** For people: pid, directory, container id. Never secrets. */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface ExecRequest {
  /** Names the process within its machine; the same id finds the same process again. */
  readonly id: string;
  readonly command: readonly string[];
  /** Added to the machine's own environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface MachineFile {
  /** Relative to the machine's directory. */
  readonly path: string;
  readonly content: string | Uint8Array;
  /** POSIX mode; 0o644 if absent. */
  readonly mode?: number;
}

/** What one probe of a server found. */
export interface ProbeResult {
  readonly passed: boolean;
  /** One clause for people: `GET /healthz answered 503, expected 200 to 399`. No durations, so that alike is equal. */
  readonly message: string;
}

export type MachineFact =
  | { readonly type: "exited"; readonly exit: Exit }
  /** The connection to the machine is lost; it may run on. */
  | { readonly type: "away"; readonly reason: string }
  | { readonly type: "back" };

export interface ObservedMachine {
  readonly state: "created" | "running" | "exited";
  /** Of a machine that runs: as `startMachine` told them. */
  readonly started: StartedMachine | null;
  readonly exit: Exit | null;
}

/** What really exists of an instance. */
export interface Observation {
  /** Whether anything bears the instance id. */
  readonly exists: boolean;
  readonly machines: Readonly<Record<string, ObservedMachine>>;
}

/** Something that could not be removed. */
export interface Leak {
  /** `process`, `directory`, `container`, `network`, … */
  readonly kind: string;
  readonly id: string;
  readonly reason: string;
}

/** Positions in a machine's output: by installer id, `""` for the machine's own command. A stream that is absent is read from its start. */
export type OutputCursor = Readonly<Record<string, number>>;

export type OutputRecord =
  | { readonly type: "lines"; readonly lines: readonly OutputLine[] }
  /** Output between two positions of one stream was dropped (bounded files). Reading goes on at `to`. */
  | {
      readonly type: "gap";
      readonly machine: string;
      readonly installer: string | null;
      readonly from: number;
      readonly to: number;
    };

export interface OutputOptions {
  /** Go on as more is written, until the machine is removed or `signal` aborts. Otherwise: up to what is there now. */
  readonly follow: boolean;
  /** Start at most this many lines before the end, where the cursor does not name a stream. */
  readonly tail?: number;
}

export interface Infrastructure {
  /** Stored with each instance: recovery finds the infrastructure by it. */
  readonly name: string;
  readonly recipeTypes: readonly string[];

  /** Network, volumes, directories: what all machines of the instance share. */
  prepare(
    instance: Instance,
    signal: AbortSignal,
    progress: Progress,
  ): Promise<{ readonly warnings: readonly Warning[] }>;

  /**
   * Makes sure that what the machine is made from is at hand: the image, or the program.
   *
   * @throws {TroupeError} `COMMAND_NOT_FOUND` (or the image's equivalent) if it cannot be had.
   */
  fetchImage(instance: Instance, machine: string, signal: AbortSignal, progress: Progress): Promise<void>;

  /** Makes the machine without running it. */
  createMachine(instance: Instance, machine: string, signal: AbortSignal): Promise<void>;

  /**
   * Runs a created machine and resolves once its main process runs. Its servers may not answer yet.
   *
   * On a machine that runs already: resolves to what it was started with. Never starts a second one.
   *
   * @throws {TroupeError} `PORT_TAKEN` if a declared port is in use.
   */
  startMachine(instance: Instance, machine: string, signal: AbortSignal): Promise<StartedMachine>;

  /** Asks the machine to end, and ends it (and all that it left behind) after `graceMs`; 0 ends it at once. Resolves when nothing of it runs. */
  stopMachine(ref: InstanceRef, machine: string, graceMs: number, signal: AbortSignal): Promise<void>;

  /** Removes the machine, running or not. Its output stays readable until `destroy`. */
  removeMachine(ref: InstanceRef, machine: string, signal: AbortSignal): Promise<void>;

  /**
   * Runs a process in a running machine and resolves when it has ended; its output goes to the machine's, marked with the id.
   *
   * A process that was begun under the same id in this machine is found again, running or ended: it never runs twice.
   * It begins in the machine's directory, where `put` puts files, and belongs to the machine: it ends with it, at the latest.
   */
  exec(instance: Instance, machine: string, request: ExecRequest, signal: AbortSignal): Promise<Exit>;

  /** Puts files into a created or running machine. */
  put(ref: InstanceRef, machine: string, files: readonly MachineFile[], signal: AbortSignal): Promise<void>;

  /** What the machine and its installers write, in order within each stream, from `cursor` on. */
  output(
    ref: InstanceRef,
    machine: string,
    cursor: OutputCursor,
    options: OutputOptions,
    signal: AbortSignal,
  ): AsyncIterable<OutputRecord>;

  /** Facts about one started machine until it has exited. Looks before it listens: an exit that came earlier is told first. */
  watch(ref: InstanceRef, machine: string, signal: AbortSignal): AsyncIterable<MachineFact>;

  /**
   * Asks a server once, where the supervisor cannot reach it by itself (a private network, a simulation).
   * Absent: the supervisor connects to the address. Rejects with `signal.reason` and with nothing else.
   */
  probe?(spec: ProbeSpec, address: ServerAddress, signal: AbortSignal): Promise<ProbeResult>;

  /** What really exists of the instance. */
  observe(ref: InstanceRef, signal: AbortSignal): Promise<Observation>;

  /** Every instance of which anything exists here. */
  identities(signal: AbortSignal): Promise<readonly InstanceRef[]>;

  /**
   * Removes everything that bears the instance id, in any state, any number of times, while other operations
   * on it are still under way: those fail, and what they create late is removed by a repeated call.
   *
   * @returns what could not be removed; empty when nothing is left.
   */
  destroy(ref: InstanceRef, signal: AbortSignal): Promise<readonly Leak[]>;

  /** Removes the volumes of a deleted workspace. */
  removeVolumes(workspaceId: string, signal: AbortSignal): Promise<void>;

  /** Lets go of everything (watchers, connections) without ending any machine. */
  close(): Promise<void>;
}
