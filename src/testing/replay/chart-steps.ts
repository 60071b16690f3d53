/**
 * What a chart allows, read from its definition: which states follow which, for which cause. Pure.
 *
 * Guards are taken to hold or not, as it comes: what is not allowed here, no context could allow.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from "xstate";
import { causeOf } from "../../../machines/cause.ts";
import { stateName } from "../../../machines/failure.ts";

/** The innermost active states, one for each region. */
type Configuration = readonly AnyStateNode[];

export interface ChartSteps {
  /** Whether the chart has such a state, written as in events. */
  has(state: string): boolean;
  /** The status that the chart gives in a state. */
  statusOf(state: string): string | undefined;
  /** Whether something is awaited there. */
  isBusy(state: string): boolean;
  /** States in which a new actor is first seen. */
  readonly beginnings: ReadonlySet<string>;
  /** States that may be seen next when `cause` happens in `state`. */
  after(state: string, cause: string): ReadonlySet<string>;
  /** States that may be seen next without anything happening, once what happened has led to `state`. */
  afterwards(state: string): ReadonlySet<string>;
}

/** Tags that say how a state behaves; all others are statuses. */
const BEHAVIOUR_TAGS = ["busy", "away", "transient"];

export function chartSteps({ root }: AnyStateMachine): ChartSteps {
  const configurations = new Map(configurationsOf(root).map((one) => [nameOf(root, one), one]));
  const at = (state: string): Configuration => configurations.get(state) ?? [];
  const names = (reached: readonly Configuration[]): Set<string> =>
    new Set(reached.filter((one) => !hasTag(one, "transient")).map((one) => nameOf(root, one)));
  return {
    has: (state) => configurations.has(state),
    statusOf: (state) => tagsOf(at(state)).find((tag) => !BEHAVIOUR_TAGS.includes(tag)),
    isBusy: (state) => hasTag(at(state), "busy"),
    beginnings: names(settled([initialOf(root)], null)),
    after: (state, cause) => names(settled(stepsOn(at(state), cause), at(state))),
    afterwards: (state) => names(settled(eventlessSteps(at(state)), null)),
  };
}

/** Every combination of innermost states. */
function configurationsOf(node: AnyStateNode): Configuration[] {
  const parts = Object.values(node.states);
  if (parts.length === 0) return [[node]];
  if (node.type !== "parallel") return parts.flatMap(configurationsOf);
  return parts
    .map(configurationsOf)
    .reduce<Configuration[]>(
      (combined, region) => combined.flatMap((before) => region.map((one) => [...before, ...one])),
      [[]],
    );
}

function initialOf(node: AnyStateNode): Configuration {
  if (node.type === "parallel") return Object.values(node.states).flatMap(initialOf);
  return node.type === "compound" ? node.initial.target.flatMap(initialOf) : [node];
}

function nameOf(root: AnyStateNode, configuration: Configuration): string {
  const stateOf = (node: AnyStateNode): unknown => {
    const parts = Object.values(node.states).filter((part) => configuration.some((leaf) => isIn(leaf, part)));
    const [only] = parts;
    if (node.type !== "parallel" && only !== undefined && Object.keys(only.states).length === 0) return only.key;
    return Object.fromEntries(parts.map((part) => [part.key, stateOf(part)]));
  };
  return stateName(stateOf(root));
}

function tagsOf(configuration: Configuration): string[] {
  return configuration.flatMap((leaf) => pathOf(leaf).flatMap(({ tags }) => tags));
}

function hasTag(configuration: Configuration, tag: string): boolean {
  return tagsOf(configuration).includes(tag);
}

/** Where an event of that cause leads. One that is only noted leads nowhere, and what follows from it may be seen. */
function stepsOn(configuration: Configuration, cause: string): Configuration[] {
  const types = new Set(
    configuration.flatMap((leaf) => pathOf(leaf).flatMap(({ transitions }) => [...transitions.keys()])),
  );
  return [...types]
    .filter((type) => causeOf(type) === cause)
    .flatMap((type) => steps(configuration, ({ transitions }) => transitions.get(type) ?? []));
}

function eventlessSteps(configuration: Configuration): Configuration[] {
  return steps(configuration, ({ always }) => always ?? []);
}

/**
 * What is seen next of these: a state that lasts is seen as soon as it is entered, one that is left at once is not.
 *
 * @param from what an event that is only noted stays in: it is seen already, so what follows from it without an event comes next
 */
function settled(begin: readonly Configuration[], from: Configuration | null): readonly Configuration[] {
  const found = new Map(begin.map((one) => [keyOf(one), one]));
  for (const [key, one] of found) {
    if (!hasTag(one, "transient") && (from === null || key !== keyOf(from))) continue;
    for (const next of eventlessSteps(one)) if (!found.has(keyOf(next))) found.set(keyOf(next), next);
  }
  return [...found.values()];
}

function steps(
  configuration: Configuration,
  alternativesIn: (node: AnyStateNode) => readonly AnyTransitionDefinition[],
): Configuration[] {
  return configuration.flatMap((leaf) => {
    const found: Configuration[] = [];
    for (const node of pathOf(leaf)) {
      const alternatives = alternativesIn(node);
      const last = alternatives.findIndex(({ guard }) => guard === undefined);
      const possible = last < 0 ? alternatives : alternatives.slice(0, last + 1);
      found.push(...possible.map((transition) => taken(configuration, transition)));
      if (last >= 0) break; // a state outside never hears what one inside takes in any case
    }
    return found;
  });
}

/** The configuration after a transition: all that is in its domain is left, its target and what comes with it entered. */
function taken(configuration: Configuration, { source, target, reenter }: AnyTransitionDefinition): Configuration {
  const [to] = target ?? [];
  if (to === undefined) return configuration;
  const domain = isIn(to, source) && !reenter ? source : (commonAncestor(source, to) ?? source.machine.root);
  return [...configuration.filter((leaf) => !isIn(leaf, domain)), ...entering(domain, to)];
}

function entering(node: AnyStateNode, target: AnyStateNode): Configuration {
  if (node === target) return initialOf(node);
  const parts = Object.values(node.states);
  if (node.type === "parallel") {
    return parts.flatMap((part) => (isIn(target, part) ? entering(part, target) : initialOf(part)));
  }
  return parts.filter((part) => isIn(target, part)).flatMap((part) => entering(part, target));
}

/** The innermost state that both are in, and that is neither. */
function commonAncestor(one: AnyStateNode, other: AnyStateNode): AnyStateNode | undefined {
  let ancestor = one.parent;
  while (ancestor !== undefined && (ancestor === other || !isIn(other, ancestor))) ancestor = ancestor.parent;
  return ancestor;
}

/** Whether a state is another, or in it. */
function isIn(node: AnyStateNode, outer: AnyStateNode): boolean {
  return node === outer || (node.parent !== undefined && isIn(node.parent, outer));
}

/** A state and all that it is in, innermost first. */
function pathOf(node: AnyStateNode): AnyStateNode[] {
  return node.parent === undefined ? [node] : [node, ...pathOf(node.parent)];
}

function keyOf(configuration: Configuration): string {
  return configuration.map(({ id }) => id).join(" ");
}
