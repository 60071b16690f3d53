import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { installerLogic } from "../../../machines/installer.ts";
import { machineLogic } from "../../../machines/machine.ts";
import type { Source } from "../../../machines/port.ts";
import { serverLogic } from "../../../machines/server.ts";
import { workspaceLogic } from "../../../machines/workspace.ts";

export type ChartName = Source["kind"];

export const charts: Readonly<Record<ChartName, AnyStateMachine>> = {
  workspace: workspaceLogic,
  machine: machineLogic,
  installer: installerLogic,
  server: serverLogic,
};

/** From where an actor comes that begins. */
export const BEGIN = "begin";

/** `machine: running.bootstrap.installing → crashed`, between states that last; from {@link BEGIN} where an actor begins. */
export function transitionName(chart: ChartName, from: string, to: string): string {
  return `${chart}: ${from} → ${to}`;
}

/** Every transition that a chart has between two states that last, by name. Those that are left in the step that enters them are passed over. */
export function transitionsOf(chart: ChartName): ReadonlySet<string> {
  const { root } = charts[chart];
  const begins = entered(root).map((to) => transitionName(chart, BEGIN, to));
  const others = lastingLeaves(root).flatMap((leaf) =>
    waysOut(leaf).map((to) => transitionName(chart, leaf.path.join("."), to)),
  );
  return new Set([...begins, ...others]);
}

/** The innermost states of a state as events name it: `running.bootstrap.ready & connection.held` are two. */
export function leavesOf(chart: ChartName, state: string): readonly string[] {
  const [first = "", ...others] = state.split(" & ");
  if (others.length === 0) return [first];
  const parallel = first.slice(0, parallelDepth(charts[chart].root, first));
  return [first, ...others.map((other) => parallel + other)];
}

/** Whether a state has a budget: an actor in it must have a deadline. */
export function hasBudget(chart: ChartName, leaf: string): boolean {
  const known = budgeted.get(chart) ?? new Set(lastingLeaves(charts[chart].root).filter(isLimited).map(pathName));
  budgeted.set(chart, known);
  return known.has(leaf);
}

const budgeted = new Map<ChartName, ReadonlySet<string>>();

/** How much of a state's name leads to its parallel part, with the dot behind it. */
function parallelDepth(root: AnyStateNode, name: string): number {
  let node: AnyStateNode | undefined = root;
  let length = 0;
  for (const key of name.split(".")) {
    if (node === undefined || node.type === "parallel") break;
    node = node.states[key];
    length += key.length + 1;
  }
  return length;
}

function lastingLeaves(node: AnyStateNode): readonly AnyStateNode[] {
  const inner = Object.values(node.states);
  if (inner.length > 0) return inner.flatMap(lastingLeaves);
  return isTransient(node) ? [] : [node];
}

/** Where a transition may lead from a leaf, or from what it is in. */
function waysOut(leaf: AnyStateNode): readonly string[] {
  if (leaf.type === "final") return [];
  const from = pathName(leaf);
  const answered = new Set<string>();
  const found = new Set<string>();
  for (const node of upwards(leaf)) {
    for (const [event, ways] of node.transitions) {
      if (answered.has(event)) continue;
      for (const to of ways.flatMap(targetsOf)) found.add(to);
      // Only what all its guards refuse goes on to the states around it.
      if (ways.some(({ guard }) => guard === undefined)) answered.add(event);
    }
    for (const to of (node.always ?? []).flatMap(targetsOf)) found.add(to);
  }
  found.delete(from);
  return [...found];
}

function targetsOf({ target = [] }: AnyTransitionDefinition): readonly string[] {
  return target.flatMap(entered);
}

/** The lasting leaves that one may be in after a state was entered. */
function entered(node: AnyStateNode): readonly string[] {
  if (isTransient(node)) return (node.always ?? []).flatMap(targetsOf);
  if (node.type === "parallel") return Object.values(node.states).flatMap(entered);
  if (node.type === "compound") return node.initial.target.flatMap(entered);
  return [pathName(node)];
}

function upwards(node: AnyStateNode): readonly AnyStateNode[] {
  return node.parent === undefined ? [node] : [node, ...upwards(node.parent)];
}

function isLimited(leaf: AnyStateNode): boolean {
  return upwards(leaf).some(({ invoke }) => invoke.some(({ src }) => src === "deadline"));
}

function isTransient(node: AnyStateNode): boolean {
  return node.tags.includes("transient");
}

function pathName(node: AnyStateNode): string {
  return node.path.join(".");
}
