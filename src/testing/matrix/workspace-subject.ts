import type { AnyMachineSnapshot, EventObject } from "xstate";
import { failureIn, stateName } from "../../../machines/failure.ts";
import type { MachineReport } from "../../../machines/machine.ts";
import {
  type Progress,
  type Run,
  type StopReason,
  type WorkspaceContext,
  type WorkspaceInput,
  workspaceLogic,
} from "../../../machines/workspace.ts";
import type { Environment } from "../../model/environment.ts";
import { planOf } from "../../supervisor/plan.ts";
import { recoveredOf } from "../../supervisor/recovery.ts";
import type { Happening } from "./happening.ts";
import { done, failed, portsFailed, timesUp } from "./outcome.ts";
import { impossible, type Reading, told, unheard } from "./reading.ts";
import { statusOf } from "./status-of.ts";
import type { Beginning, MatrixSubject, Moment } from "./subject.ts";
import { actorRowOf, environment, environmentWith, instanceRowOf } from "./world.ts";

const strategies = ["stop-workspace", "one-for-one", "one-for-all"] as const;

export const workspaceSubject: MatrixSubject<Happening> = {
  chart: "workspace",
  logic: workspaceLogic,
  beginnings: strategies.flatMap((strategy) => [anew(strategy), ...recoveries(strategy)]),
  essence,
  changes: {
    next: (next) => (next === null ? "what was to come next is taken back" : "kept as next"),
    isForced: () => "forced",
  },
  readings: {
    stop: ({ snapshot }) => told([stop(false)], isForced(snapshot)),
    "force-stop": ({ snapshot }) => told([stop(true)], isForced(snapshot)),
    "start again": ({ snapshot }) => told([start("i-2", environment)], isWanted(snapshot)),
    "machine crash": machineCrash,
    "infrastructure lost": infrastructureLost,
    "infrastructure error": infrastructureError,
    "deadline reached": ({ snapshot }) =>
      snapshot.hasTag("busy") ? told(timesUp(snapshot)) : impossible("it may stay so for ever"),
    "supervisor crash": supervisorCrash,
    "stale report": () => unheard("what ran for an instance before has ended, and reaches nobody"),
    "duplicate report": duplicateReport,
  },
};

/** What was and is over makes no difference: a state knows what it has come to. */
function essence(snapshot: AnyMachineSnapshot): unknown {
  const { plan, recovered, progress, everReady, relaunches, isForced, next, stopReason } = contextOf(snapshot);
  if (isStopped(snapshot)) return null;
  if (isStopping(snapshot)) return { progress, isForced, next: next !== null };
  if (snapshot.matches("recovering")) return { was: recovered?.was, isToStop: stopReason !== null };
  return { progress, everReady, relaunches: relaunches.length, onFailure: plan?.strategy.onFailure };
}

/** Why a stop may change nothing, if it may. */
function isForced(snapshot: AnyMachineSnapshot): string | null {
  if (isStopped(snapshot)) return "it is stopped";
  return isStopping(snapshot) && contextOf(snapshot).isForced ? "it is being forced already" : null;
}

/** Why a start may change nothing, if it may. */
function isWanted(snapshot: AnyMachineSnapshot): string | null {
  const { stopReason, next } = contextOf(snapshot);
  if (stopReason === null && !isStopped(snapshot)) return "it is wanted to run already";
  return next === null ? null : "a start is kept already";
}

function machineCrash({ snapshot }: Moment): Reading {
  if (isStopped(snapshot)) return impossible("no machine of it runs");
  if (snapshot.matches("recovering")) return unheard("its machines have no actors yet: it finds out when it looks");
  const running = machinesIn(snapshot, ["booted", "ready"]);
  if (running.length === 0) return impossible("no machine of it runs");
  return told(
    running.flatMap((machine) => [report("machine.away", machine), report("machine.failed", machine)]),
    isStopping(snapshot) ? "its machines are to end anyway" : null,
  );
}

function infrastructureLost({ snapshot }: Moment): Reading {
  if (isStopped(snapshot)) return impossible("there is nothing of it");
  if (snapshot.matches("recovering"))
    return unheard("it looks again until there is an answer, or its budget is used up");
  if (snapshot.matches({ stopping: { destroying: "cooling" } })) return unheard("it is about to try again anyway");
  if (snapshot.matches({ stopping: { destroying: "removing" } })) {
    return told([failed("destroy"), done("destroy", { left: 1 })]);
  }
  // The operation under way fails, and so has settled.
  if (snapshot.matches({ stopping: "interrupting" })) return told([done("settle")]);
  if (snapshot.matches({ starting: "preparing" })) return told([failed("prepare")]);
  const running = machinesIn(snapshot, ["booted", "ready"]);
  if (running.length === 0) return impossible("no machine of it runs that one could be connected to");
  return told(
    running.map((machine) => report("machine.away", machine)),
    isStopping(snapshot) ? "its machines are to end anyway" : null,
  );
}

function infrastructureError({ snapshot }: Moment): Reading {
  if (snapshot.matches("recovering"))
    return unheard("it looks again until there is an answer, or its budget is used up");
  if (snapshot.matches({ starting: "queued" })) return impossible("it only waits for its turn");
  if (snapshot.matches({ stopping: "interrupting" })) return told([done("settle")]);
  const errors = portsFailed(snapshot);
  return errors.length > 0 ? told(errors) : impossible("it asks nothing of the infrastructure itself");
}

function supervisorCrash({ snapshot }: Moment): Reading {
  if (snapshot.matches("stopped")) return unheard("what is stopped has no actor to lose");
  const { stopReason, isForced, next } = contextOf(snapshot);
  const row = instanceRowOf(environment, {
    desired: stopReason === null ? "running" : "stopped",
    forced: isForced,
    stopReason,
  });
  const actor = actorRowOf(contextOf(snapshot), stateName(snapshot.value), statusOf(snapshot), { stopReason });
  const waiting = next === null ? undefined : instanceRowOf(environment, { instanceId: next.instanceId });
  const input: WorkspaceInput = { workspaceId: "ws-1", recovered: recoveredOf(row, [actor], waiting) };
  return { kind: "begins", inputs: [{ input, when: "" }] };
}

function duplicateReport({ snapshot, path }: Moment): Reading {
  if (isStopped(snapshot)) return unheard("what it is about has ended");
  const last = path.findLast(({ type }) => type.startsWith("machine."));
  if (last === undefined) return impossible("nothing has been reported yet");
  const { type, machine } = last as MachineReport;
  // Who reported it may be of an earlier launch, and gone.
  if (contextOf(snapshot).progress[machine] !== type.slice("machine.".length))
    return unheard("who reported last has ended");
  return told([last], "it is known");
}

type OnFailure = Environment["strategy"]["onFailure"];

/** From a workspace that nobody has started yet. */
function anew(onFailure: OnFailure): Beginning {
  return walk(onFailure, { workspaceId: "ws-1", recovered: null });
}

/** From what a supervisor that ended may have left. */
function recoveries(onFailure: OnFailure): Beginning[] {
  const ways = ["starting.queued", "starting.relaunching", "running.steady", "stopping.halting"].map((state) => {
    const status = state.split(".")[0]?.toUpperCase() ?? "";
    const desired = status === "STOPPING" ? ("stopped" as const) : ("running" as const);
    const actor = actorRowOf({ source: { kind: "workspace" }, failure: null }, state, status, {});
    return recoveredOf(instanceRowOf(environmentWith(onFailure), { desired }), [actor], undefined);
  });
  return ways.map((recovered) => walk(onFailure, { workspaceId: "ws-1", recovered }));
}

function walk(onFailure: OnFailure, input: WorkspaceInput): Beginning {
  const run: Run = { instanceId: "i-1", plan: planOf(environmentWith(onFailure)) };
  return {
    input,
    events: (snapshot) => ({
      "workspace.start": [{ type: "workspace.start", run } as EventObject],
      "workspace.stop": [stop(false)],
      "xstate.done.actor.destroy": [done("destroy", { left: 0 }), done("destroy", { left: 1 })],
      "xstate.done.actor.observe": [done("observe", { machines: {} })],
      ...reportsIn(snapshot),
    }),
  };
}

type Told = MachineReport["type"];

/** What a machine may report next. That it has stopped it says when it was told to. */
const reportsAfter: Readonly<Record<Progress, readonly Told[]>> = {
  waiting: ["machine.failed"],
  released: ["machine.booted", "machine.failed"],
  booted: ["machine.ready", "machine.away", "machine.failed"],
  ready: ["machine.away", "machine.completed", "machine.failed"],
  away: ["machine.booted", "machine.ready", "machine.failed"],
  completed: [],
  failed: [],
  stopped: [],
};

function reportsIn(snapshot: AnyMachineSnapshot): Record<string, EventObject[]> {
  const reports: Record<Told, EventObject[]> = {
    "machine.booted": [],
    "machine.ready": [],
    "machine.away": [],
    "machine.stopped": [],
    "machine.completed": [],
    "machine.failed": [],
  };
  for (const [machine, progress] of Object.entries(contextOf(snapshot).progress)) {
    const isToldToStop = isStopping(snapshot) || snapshot.matches({ starting: "relaunching" });
    const may = reportsAfter[progress];
    for (const type of isToldToStop && may.length > 0 ? [...may, "machine.stopped" as const] : may) {
      reports[type].push(report(type, machine));
    }
  }
  return reports;
}

function machinesIn(snapshot: AnyMachineSnapshot, wanted: readonly Progress[]): string[] {
  const { progress } = contextOf(snapshot);
  return Object.keys(progress).filter((name) => wanted.some((one) => progress[name] === one));
}

function isStopped(snapshot: AnyMachineSnapshot): boolean {
  return snapshot.matches("stopped");
}

function isStopping(snapshot: AnyMachineSnapshot): boolean {
  return snapshot.matches("stopping");
}

function contextOf(snapshot: AnyMachineSnapshot): WorkspaceContext {
  return snapshot.context as WorkspaceContext;
}

function report(type: Told, machine: string): EventObject {
  const failure = failureIn(failed("machine"), { source: { kind: "machine", machine }, state: "failed" });
  return { type, machine, isLeft: false, ...(type === "machine.failed" ? { failure } : {}) } as EventObject;
}

function start(instanceId: string, environment: Environment): EventObject {
  const run: Run = { instanceId, plan: planOf(environment) };
  return { type: "workspace.start", run } as EventObject;
}

function stop(force: boolean): EventObject {
  const reason: StopReason = { by: "user", message: "It was asked to stop" };
  return { type: "workspace.stop", reason, force } as EventObject;
}
