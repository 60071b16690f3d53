import { type Call, isOfInstance, isOfMachine, type Step, type TimedCall } from "./call.ts";
import { workspaceOf } from "./cast.ts";
import type { Model } from "./model.ts";
import { applies } from "./rules.ts";

/** How long is watched, and how long what has no end is waited for, in milliseconds. */
const GLIMPSE_MS = 10;

/** Of the step what can be done now: calls that apply and do not get in each other's way, and none that would never end. */
export function arrange(step: Step, model: Model): Step {
  const calls: TimedCall[] = [];
  for (const timed of step) {
    const fits = applies(timed.call, model) && calls.every((other) => mayFollow(other, timed));
    if (fits) calls.push(timed);
  }
  return calls.map((timed) =>
    timed.abortMs === null && needsAbort(timed, calls, model) ? { ...timed, abortMs: GLIMPSE_MS } : timed,
  );
}

/** A call that only looks. */
export function isReading({ operation }: Call): boolean {
  return ["observe", "identities", "output", "watch"].includes(operation);
}

/** Whether `other` ends, or removes, what `call` is about. */
export function disturbs(other: Call, call: Call): boolean {
  if (!isOfInstance(other) || !isOfInstance(call) || other.instance !== call.instance || other === call) return false;
  if (other.operation === "destroy") return call.operation !== "destroy";
  return endsMachine(other, call) && !["stopMachine", "removeMachine"].includes(call.operation);
}

function endsMachine(other: Call, call: Call): boolean {
  const isEnd = other.operation === "stopMachine" || other.operation === "removeMachine";
  return isEnd && isOfMachine(other) && isOfMachine(call) && other.machine === call.machine;
}

/** Whether the call can be made when the other one has begun. What is destroyed is not used again. */
function mayFollow(other: TimedCall, { call, afterMs }: TimedCall): boolean {
  const isLate = call.operation === "destroy" && afterMs < other.afterMs;
  const isTooLate = disturbs(other.call, call) && other.call.operation === "destroy";
  return mayBeTogether(other.call, call) && (isReading(call) || isReading(other.call) || !(isLate || isTooLate));
}

/** A supervisor changes a machine by one operation at a time, and everything else goes before volumes. */
function mayBeTogether(a: Call, b: Call): boolean {
  if (a.operation === "reopen" || b.operation === "reopen" || a.operation === "kill") return false;
  if (!isOfInstance(a) || !isOfInstance(b)) return true;
  if (a.operation === "removeVolumes" || b.operation === "removeVolumes") {
    return a.operation === b.operation || workspaceOf[a.instance] !== workspaceOf[b.instance];
  }
  if (a.operation === "output" && b.operation === "output") return a.instance !== b.instance || a.machine !== b.machine;
  if (a.operation === "exec" && b.operation === "exec" && a.id !== b.id) return !(isAboutVolume(a) && isAboutVolume(b));
  if (a.instance !== b.instance || isReading(a) || isReading(b)) return true;
  if (a.operation === "destroy" || b.operation === "destroy") return true;
  if (!isOfMachine(a) || !isOfMachine(b)) return a.operation === b.operation;
  if (a.machine !== b.machine || a.operation === b.operation) return true;
  return endsMachine(b, a) && a.operation === "exec";
}

function isAboutVolume(call: Call): boolean {
  return call.operation === "exec" && (call.id === "keep" || call.id === "kept");
}

/** Whether it would go on for ever, or longer than anybody waits. */
function needsAbort({ call, afterMs }: TimedCall, calls: readonly TimedCall[], model: Model): boolean {
  const isEnded = calls.some(
    (other) => other.abortMs === null && disturbs(other.call, call) && other.afterMs >= afterMs,
  );
  switch (call.operation) {
    case "watch": {
      const endsByItself = call.machine === "brief" || model.machineOf(call).isIn("exited");
      return !endsByItself && !isEnded;
    }
    case "exec":
      return call.id === "forever" && !isEnded && model.machineOf(call).isIn("running");
    case "stopMachine":
      return isPatient(call) && !calls.some((other) => other.abortMs === null && cutsShort(other.call, call));
    default:
      return false;
  }
}

function isPatient(call: Call): boolean {
  return call.operation === "stopMachine" && call.machine === "stubborn" && call.graceMs > 1_000;
}

function cutsShort(other: Call, call: Call): boolean {
  return disturbs(other, call) || (endsMachine(other, call) && !isPatient(other));
}
