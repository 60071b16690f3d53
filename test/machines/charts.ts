/** The four charts, and ways to walk them. */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { installerLogic } from "../../machines/installer.ts";
import { machineLogic } from "../../machines/machine.ts";
import { serverLogic } from "../../machines/server.ts";
import { workspaceLogic } from "../../machines/workspace.ts";

export const charts: readonly AnyStateMachine[] = [workspaceLogic, machineLogic, installerLogic, serverLogic];

/** Every state of a chart below its root, with how people write it. */
export function statesOf(chart: AnyStateMachine): { chart: string; state: string; node: AnyStateNode }[] {
  return below(chart.root).map((node) => ({ chart: chart.id, state: node.path.join("."), node }));
}

function below(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states).flatMap((part) => [part, ...below(part)]);
}

/** A state and all that it is in, innermost first; the root is left out. */
export function pathOf(node: AnyStateNode): AnyStateNode[] {
  return node.parent === undefined ? [] : [node, ...pathOf(node.parent)];
}

/** All that may happen in a state itself, `always` included. */
export function transitionsOf(node: AnyStateNode): AnyTransitionDefinition[] {
  return [...node.transitions.values(), node.always ?? []].flat();
}

export function isLeaf(node: AnyStateNode): boolean {
  return Object.keys(node.states).length === 0;
}

export function hasTag(node: AnyStateNode, tag: string): boolean {
  return pathOf(node).some(({ tags }) => tags.includes(tag));
}
