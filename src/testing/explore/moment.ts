/** What there is to see when a step is over and everything has come to rest: what the oracles judge. Plain data. */
import type { MachineExit, Operation, SimulatedWorldView, Violation } from "../../infrastructure/simulated/index.ts";
import type { InstanceRow, LeakRow } from "../../journal/spi.ts";
import type { TroupeEvent, WorkspaceView } from "../../model/workspace.ts";

/** Something that a supervisor accepted, or might have when it died. */
export interface Command {
  readonly kind: "start" | "stop" | "delete";
  readonly workspaceId: string;
  /** Whom it is about: the instance that is to run, or those that are to end. */
  readonly instances: readonly string[];
  readonly at: number;
  /** Whether it was answered. */
  readonly isAccepted: boolean;
  /** Whether it forces: asked to, or the second stop. */
  readonly isForced: boolean;
  /** How many processes there had been, and for how long none was there. */
  readonly boots: number;
  readonly downMs: number;
}

/** Something that no supervisor may accept. */
export interface Refusal {
  readonly what: string;
  /** Of the error that came; `null` if none did. */
  readonly code: string | null;
  readonly paths: readonly string[];
  /** What it started or wrote all the same. */
  readonly traces: readonly string[];
}

/** An operation that makes something, as it was begun. */
export interface Call {
  readonly operation: Operation;
  readonly instanceId: string;
  readonly at: number;
  /** What the journal said at that moment; `null` if it did not know the instance. */
  readonly desired: InstanceRow["desired"] | null;
  /** When it was let go of; `null` if it was not. Kept only of those that were begun against what was wanted. */
  readonly abortedAt: number | null;
}

/** One subscriber, and all that it was told. */
export interface ReaderHistory {
  readonly name: string;
  /** Reads at once whatever comes. */
  readonly isEager: boolean;
  /** It knows of everything up to here from a snapshot, and was told what follows. */
  readonly from: number | null;
  readonly events: readonly TroupeEvent[];
  /** Stretches that it was told to be missing. */
  readonly gaps: number;
}

export interface Moment {
  readonly now: number;
  /** What all workspaces must have come to, when all faults are healed and enough time has passed; `null` before. */
  readonly ending: "stopped" | "running" | null;
  readonly views: readonly WorkspaceView[];
  /** All events there ever were, in order. */
  readonly events: readonly TroupeEvent[];
  /** The last of each actor, by instance and source. */
  readonly last: ReadonlyMap<string, TroupeEvent>;
  /** Where those begin that are new since the last moment. */
  readonly fresh: number;
  /** All instances there ever were, as the journal has them now; `null` for what was deleted. */
  readonly instances: ReadonlyMap<string, InstanceRow | null>;
  /** Workspaces that are on their way to be deleted. */
  readonly deleting: ReadonlySet<string>;
  readonly leaks: readonly LeakRow[];
  readonly world: SimulatedWorldView;
  /** Instances that were ever in the leak ledger. */
  readonly listed: ReadonlySet<string>;
  /** What the place itself saw a supervisor do wrong. */
  readonly trespasses: readonly Violation[];
  readonly exits: readonly MachineExit[];
  /** Since when there is something of an instance that has ended, by instance id. */
  readonly orphans: ReadonlyMap<string, number>;
  /** When an operation that looks or clears up last went wrong, or a process began. */
  readonly blindUntil: number;
  readonly calls: readonly Call[];
  readonly commands: readonly Command[];
  readonly refusals: readonly Refusal[];
  readonly readers: readonly ReaderHistory[];
  /** Faults that were given to operations, by kind. */
  readonly struck: ReadonlyMap<string, number>;
  readonly boots: number;
  /** When the present process began. */
  readonly bootedAt: number;
  /** The last event before the present process began. An actor that told nothing since has not begun in it. */
  readonly bootedAfter: number;
  readonly downMs: number;
}
