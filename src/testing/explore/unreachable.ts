import { BEGIN, transitionName } from "./transitions.ts";

/**
 * Transitions that the charts have and no story comes to, by name, and why. A campaign reports one that it came to after all.
 *
 * Charts are walked without asking their guards; most of these are refused by a guard that other states have decided.
 */
export const unreachable: ReadonlyMap<string, string> = new Map([
  ...refused(BEGIN, ["stopped"], "an actor that begins stopped has no instance, and nobody is told of it"),
  ...refused("starting.queued", ["stopping.halting"], "there are no machines yet"),
  ...refused("starting.preparing", ["stopping.halting"], "there are no machines yet"),
  ...refused("starting.launching", ["stopping.interrupting"], "an environment has at least one machine"),
  ...refused("starting.initializing", ["stopping.interrupting"], "an environment has at least one machine"),
  ...refused("starting.relaunching", ["stopping.interrupting"], "an environment has at least one machine"),
  ...refused("starting.initializing", ["running.interrupted"], "it is left when all are ready, and then all are ready"),
  ...refused(
    "recovering.adopting",
    ["stopping.halting", "starting.queued", "starting.relaunching"],
    "it was running, and is not to stop",
  ),
  ...refused("recovering.adopting", ["running.steady"], "no machine has said yet that it is ready"),
  ...refused(
    "recovering.relaunching",
    ["stopping.halting", "starting.queued", "running.steady", "running.interrupted"],
    "it was relaunching, and is not to stop",
  ),
  ...refused(
    "recovering.resuming",
    ["stopping.halting", "starting.relaunching", "running.steady", "running.interrupted"],
    "it was starting, and is not to stop",
  ),
  ...refused(
    "recovering.finishing",
    ["starting.queued", "starting.relaunching", "running.steady", "running.interrupted"],
    "it is to stop",
  ),
]);

function refused(from: string, to: readonly string[], why: string): [string, string][] {
  return to.map((target) => [transitionName("workspace", from, target), why]);
}
