import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { causeOf } from "../../machines/cause.ts";
import { guardWords } from "./guard-words.ts";

const INDENT = "  ";

interface Arrow {
  readonly from: AnyStateNode;
  readonly to: AnyStateNode;
  /** What must happen for it; all alternatives. */
  readonly labels: readonly string[];
}

/**
 * Draws a chart as a Mermaid state diagram.
 *
 * States that are left in the step that enters them are drawn as choices. Transitions that lead nowhere (what is
 * only noted, or ignored) are left out; what leads from a state into one of its own parts, which Mermaid can't draw, is a note.
 */
export function mermaidOf(logic: AnyStateMachine): string {
  return ["stateDiagram-v2", ...inside(logic.root, arrowsOf(logic.root))].join("\n");
}

/** The parts of a state, and the arrows of which it is the innermost state that holds both ends. */
function inside(node: AnyStateNode, arrows: readonly Arrow[]): string[] {
  const parts = Object.values(node.states);
  const separator = node.type === "parallel" ? ["--"] : [];
  const first = node.type === "parallel" ? [] : node.initial.target.map((target) => `[*] --> ${idOf(target)}`);
  return [
    ...parts.flatMap((part, index) => [...(index === 0 ? [] : separator), ...declaration(part, arrows)]),
    ...first,
    ...parts.filter(({ type }) => type === "final").map((part) => `${idOf(part)} --> [*]`),
    ...arrows.filter(({ from, to }) => holderOf(from, to) === node).map(line),
  ].map((text) => INDENT + text);
}

function declaration(node: AnyStateNode, arrows: readonly Arrow[]): string[] {
  if (node.type === "compound" || node.type === "parallel") {
    return [`state "${node.key}" as ${idOf(node)} {`, ...inside(node, arrows), "}"];
  }
  return [node.tags.includes("transient") ? `state ${idOf(node)} <<choice>>` : `state "${node.key}" as ${idOf(node)}`];
}

function line({ from, to, labels }: Arrow): string {
  const text = labels.join(", ");
  if (from !== holderOf(from, to)) return `${idOf(from)} --> ${idOf(to)}${text === "" ? "" : `: ${text}`}`;
  const where = from.parent === undefined ? "any state" : from.path.join(".");
  return `note right of ${idOf(to)} : from ${where} on ${text}`;
}

function arrowsOf(node: AnyStateNode): Arrow[] {
  const labels = new Map<AnyStateNode, string[]>();
  for (const { to, label } of [...node.transitions.values(), node.always ?? []].flatMap(waysOf)) {
    labels.set(
      to,
      [...(labels.get(to) ?? []), label].filter((text) => text !== ""),
    );
  }
  const own = [...labels].map(([to, alternatives]): Arrow => ({ from: node, to, labels: [...new Set(alternatives)] }));
  return [...own, ...Object.values(node.states).flatMap(arrowsOf)];
}

/** Where the alternatives for one event lead. The last, without a guard, is for what the others refused. */
function waysOf(alternatives: readonly AnyTransitionDefinition[]): { to: AnyStateNode; label: string }[] {
  return alternatives.flatMap((alternative, index) => {
    const when = guardWords(alternative, index);
    const label = `${causeOf(alternative.eventType)} ${when === "" ? "" : `[${when}]`}`.trim();
    return (alternative.target ?? []).map((to) => ({ to, label }));
  });
}

/** The innermost state that both are in; a state is in itself. */
function holderOf(from: AnyStateNode, to: AnyStateNode): AnyStateNode {
  let holder = from;
  while (holder !== to && !isIn(to, holder) && holder.parent !== undefined) holder = holder.parent;
  return holder;
}

function isIn(node: AnyStateNode, outer: AnyStateNode): boolean {
  return node.parent !== undefined && (node.parent === outer || isIn(node.parent, outer));
}

/** Unique in its chart. */
function idOf(node: AnyStateNode): string {
  return node.path.join("_");
}
