/** The events in which the work that a state asked for ends. */
import { type AnyMachineSnapshot, type AnyStateNode, type EventObject, getNextTransitions } from "xstate";

/** The work that the present state asks for: ids of its invocations, by the names of their logic. */
export function workOf(snapshot: AnyMachineSnapshot): readonly { readonly id: string; readonly src: string }[] {
  const nodes: readonly AnyStateNode[] = snapshot._nodes;
  return nodes.flatMap(({ invoke }) => invoke.map(({ id, src }) => ({ id, src: String(src) })));
}

/** A port has done its work. */
export function done(id: string, output: unknown = undefined): EventObject {
  return { type: `xstate.done.actor.${id}`, output } as EventObject;
}

/** A port has rejected, with an error as ports have them. */
export function failed(id: string, code = "MACHINE_FAILED"): EventObject {
  const error = { class: "infrastructure", code, message: code, at: 0 };
  return { type: `xstate.error.actor.${id}`, error } as EventObject;
}

/** The ports of the present state reject, its budgets apart. */
export function portsFailed(snapshot: AnyMachineSnapshot): EventObject[] {
  return workOf(snapshot)
    .filter(({ src }) => src !== "deadline")
    .map(({ id }) => failed(id));
}

/** The budgets of the present state are used up; without one, its pause is over. */
export function timesUp(snapshot: AnyMachineSnapshot): EventObject[] {
  const budgets = workOf(snapshot).filter(({ src }) => src === "deadline");
  if (budgets.length > 0) return budgets.map(({ id }) => failed(id, "DEADLINE_EXCEEDED"));
  const pauses = getNextTransitions(snapshot).filter(({ eventType }) => eventType.startsWith("xstate.after."));
  return pauses.map(({ eventType }) => ({ type: eventType }));
}
