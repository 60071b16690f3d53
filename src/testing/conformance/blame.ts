import { isReading } from "./arrange.ts";
import { type Call, isOfInstance, isOfMachine, type TimedCall } from "./call.ts";
import type { InstanceName, MachineName } from "./cast.ts";
import type { Clause } from "./clauses.ts";

/** A call, and whether the same had been done before. */
export interface JudgedCall extends TimedCall {
  readonly isRepeated: boolean;
}

/**
 * Which clause is broken when an instance, or a machine of it, is found otherwise than it must be after these calls.
 *
 * It is what the calls tell most simply; when the sequence has been shrunk, little else is left.
 */
export function blame(step: readonly JudgedCall[], instance: InstanceName, machine: MachineName | null): Clause {
  if (step.some(({ call }) => call.operation === "reopen" || call.operation === "kill")) return "recovers";
  const touching = step.filter(({ call }) => touches(call, instance, machine));
  if (touching.some(({ call }) => call.operation === "destroy")) return "leaves nothing";
  const changing = touching.filter((timed) => !isReading(timed.call) || timed.abortMs !== null);
  const [first] = changing;
  if (first === undefined) return touching.length < step.length ? "isolated" : "observes";
  if (changing.every(({ abortMs }) => abortMs === "before")) return "abortable";
  if (changing.some(({ abortMs }) => abortMs !== null)) return "lets go";
  if (changing.every(({ isRepeated }) => isRepeated)) return clauseOfRepeat(first.call);
  if (changing.some(({ call }) => call.operation === "stopMachine" || call.operation === "removeMachine"))
    return "stops";
  return "observes";
}

/** What a call promises when it is repeated. */
export function clauseOfRepeat({ operation }: Call): Clause {
  if (operation === "startMachine") return "adopts";
  return operation === "exec" ? "runs once" : "idempotent";
}

function touches(call: Call, instance: InstanceName, machine: MachineName | null): boolean {
  if (!isOfInstance(call) || call.instance !== instance) return false;
  return !isOfMachine(call) || machine === null || call.machine === machine;
}
