import { isDeepStrictEqual } from "node:util";
import type { Exit } from "../../../machines/failure.ts";
import type { Leak, StartedMachine } from "../../infrastructure/spi.ts";
import { clauseOfRepeat, type JudgedCall } from "./blame.ts";
import { BrokenClause } from "./broken-clause.ts";
import {
  describeCall,
  type ExecCall,
  isOfInstance,
  isOfMachine,
  type PlainMachineCall,
  type StopCall,
} from "./call.ts";
import { type Made, PROMPT_MS } from "./caller.ts";
import { BRIEF_CODE, execRole, workspaceOf } from "./cast.ts";
import type { Checks } from "./checks.ts";
import type { Clause } from "./clauses.ts";
import type { MachineModel } from "./machine-model.ts";
import type { Model } from "./model.ts";
import type { Place } from "./place.ts";

/** A call that was made, and what is known of its circumstances. */
export interface Case extends Made, JudgedCall {
  /** Whether its machine or instance was ended meanwhile: then it may fail. */
  readonly isDisturbed: boolean;
  /** Whether nothing else was called at the same time. */
  readonly isAlone: boolean;
  /** Whether it must be refused. */
  readonly isRefused: boolean;
}

/**
 * Holds how a call came out against what it promises. `model` is as it was before the call.
 *
 * @throws {BrokenClause}
 */
export function judge(made: Case, model: Model, place: Place, checks: Checks): void {
  const { outcome } = made;
  if (outcome.type === "rejected" && outcome.reason instanceof BrokenClause) throw outcome.reason;
  if (outcome.type === "unsettled") {
    if (!made.wasKilled) judgeHanging(made, checks);
    return;
  }
  checks.expect("settles", true, () => "");
  if (made.reason !== null) judgeLetGo(made, made.reason, model, checks);
  else if (outcome.type === "rejected") judgeRejection(made, outcome.reason, model, checks);
  else judgeFulfilment(made, outcome.value, model, place, checks);
}

/** By its name: the infrastructure may come with a troupe of its own. */
function isTroupeError(error: unknown): boolean {
  return error instanceof Error && error.name === "TroupeError" && "code" in error;
}

function judgeHanging(made: Case, checks: Checks): void {
  const about = describeCall(made.call);
  if (made.reason !== null) {
    checks.expect("abortable", false, () => `${about} has not settled ${PROMPT_MS} ms after its signal aborted`);
  }
  const clause = clauseOfHanging(made);
  checks.expect(clause, false, () => `${about} has not settled after ${made.tookMs} ms`);
}

function clauseOfHanging({ call }: Case): Clause {
  switch (call.operation) {
    case "output":
      return "resumes";
    case "stopMachine":
      return "stops";
    case "watch":
      return "watches";
    default:
      return "settles";
  }
}

function judgeLetGo(made: Case, reason: Error, model: Model, checks: Checks): void {
  const { call, abortMs, outcome, isDisturbed, isRefused } = made;
  const about = describeCall(call);
  if (outcome.type === "rejected") {
    const isReason = outcome.reason === reason || ((isDisturbed || isRefused) && isTroupeError(outcome.reason));
    checks.expect("abortable", isReason, () => {
      return `${about} rejects with ${String(outcome.reason)}, not with its signal's reason`;
    });
  } else if (call.operation === "watch") {
    const tellsExit = outcome.type === "fulfilled" && outcome.value !== null;
    const isWrong = tellsExit && !isDisturbed && runsOn(call, model);
    checks.expect("watches", !isWrong, () => `${about} tells that a machine has ended that runs`);
  } else if (call.operation !== "output") {
    checks.expect("abortable", abortMs !== "before", () => `${about} is done although its signal had aborted`);
  }
}

function judgeRejection(made: Case, error: unknown, model: Model, checks: Checks): void {
  const { call, isDisturbed, isRefused, isRepeated } = made;
  const rejects = () => `${describeCall(call)} rejects with ${String(error)}`;
  if (isDisturbed || isRefused) checks.expect("explains", isTroupeError(error), rejects);
  else checks.expect(isRepeated || wasLetGo(made, model) ? clauseOfRepeat(call) : "works", false, rejects);
}

function judgeFulfilment(made: Case, value: unknown, model: Model, place: Place, checks: Checks): void {
  const { call, isDisturbed, isRefused, isRepeated } = made;
  const about = describeCall(call);
  if (isRefused) checks.expect("explains", false, () => `${about} is done although the machine does not run`);
  checks.expect(isRepeated ? clauseOfRepeat(call) : "works", true, () => "");
  if (call.operation === "startMachine")
    judgeStarted(about, model.machineOf(call), value as StartedMachine, place, checks);
  else if (call.operation === "exec" && !isDisturbed) judgeExit(made, call, model, place, value as Exit, checks);
  else if (call.operation === "watch" && !isDisturbed) judgeWatched(call, model, value as Exit | null, checks);
  else if (call.operation === "stopMachine") judgeStopped(made, call, model, checks);
  else if (call.operation === "destroy") judgeDestroyed(about, value as readonly Leak[], checks);
}

function judgeDestroyed(about: string, leaks: readonly Leak[], checks: Checks): void {
  const what = leaks.map(({ kind, id, reason }) => `${kind} ${id} (${reason})`);
  checks.expect("leaves nothing", leaks.length === 0, () => `${about} leaves ${what.join(", ")}`);
}

function judgeStarted(
  about: string,
  machine: MachineModel,
  started: StartedMachine,
  place: Place,
  checks: Checks,
): void {
  const servers = Object.keys(place.instances.A.environment.machines[machine.name]?.servers ?? {});
  const missing = servers.filter((server) => started.addresses[server] === undefined);
  checks.expect("works", missing.length === 0, () => `${about} tells no address of server ${missing.join(", ")}`);
  const first = machine.life.started ?? started;
  machine.life.started = first;
  checks.expect("adopts", isDeepStrictEqual(started, first), () => {
    return `${about} tells ${JSON.stringify(started)}, and told ${JSON.stringify(first)}`;
  });
}

function judgeExit(made: Case, call: ExecCall, model: Model, place: Place, exit: Exit, checks: Checks): void {
  const exec = model.machineOf(call).exec(call.id);
  const { code } = execRole(place.programs, call.id, workspaceOf[call.instance]);
  const clause = exec.wasLetGo ? "lets go" : made.isRepeated ? "runs once" : "works";
  checks.expect(clause, exit.code === code, () => {
    return `${describeCall(call)} ended with ${exit.signal ?? `code ${exit.code}`}, not with code ${code}`;
  });
  const first = exec.exit ?? exit;
  exec.exit = first;
  checks.expect("runs once", isDeepStrictEqual(exit, first), () => {
    return `${describeCall(call)} tells ${JSON.stringify(exit)}, and told ${JSON.stringify(first)}`;
  });
}

/** It was not let go of, so the machine must have ended. */
function judgeWatched(call: PlainMachineCall, model: Model, exit: Exit | null, checks: Checks): void {
  const about = describeCall(call);
  checks.expect("watches", !runsOn(call, model), () => `${about} ends while the machine runs`);
  checks.expect("watches", exit !== null, () => `${about} ends without telling how the machine ended`);
  const { name, life } = model.machineOf(call);
  if (name !== "brief" || life.wasStopped) return;
  checks.expect("watches", exit?.code === BRIEF_CODE, () => {
    return `${about} tells that it ended with code ${exit?.code}, not ${BRIEF_CODE}`;
  });
}

function runsOn(call: PlainMachineCall, model: Model): boolean {
  return call.machine !== "brief" && model.machineOf(call).isIn("running");
}

/** A timer may fire a millisecond early. */
const TIMER_SLACK_MS = 1;

function judgeStopped(made: Case, call: StopCall, model: Model, checks: Checks): void {
  const { life } = model.machineOf(call);
  const mustBePatient = call.machine === "stubborn" && life.ignoresRequests && !life.wasStopped && made.isAlone;
  if (!mustBePatient) return;
  checks.expect("stops", made.tookMs >= call.graceMs - TIMER_SLACK_MS, () => {
    return `${describeCall(call)} took only ${made.tookMs} ms of its grace`;
  });
}

/** Whether it may have been done before, and nobody was told. */
function wasLetGo({ call }: Case, model: Model): boolean {
  if (isOfMachine(call)) return model.machineOf(call).hasLate;
  return isOfInstance(call) && (model.instanceOf(call).mayComeLate || model.instanceOf(call).isDoomed);
}
