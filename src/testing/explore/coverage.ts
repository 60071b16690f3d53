import type { TroupeEvent } from "../../model/workspace.ts";
import type { Moment } from "./moment.ts";
import { BEGIN, type ChartName, leavesOf, transitionName, transitionsOf } from "./transitions.ts";

const chartNames: readonly ChartName[] = ["workspace", "machine", "installer", "server"];

const allTransitions: ReadonlySet<string> = new Set(chartNames.flatMap((chart) => [...transitionsOf(chart)]));

/** Which transitions of the charts were taken, and which kinds of faults struck. Collected over many scripts. */
export class Coverage {
  /** How often each was taken. */
  readonly transitions = new Map<string, number>();
  readonly faults = new Map<string, number>();
  /** All that the charts have. */
  readonly all: ReadonlySet<string> = allTransitions;

  /** What one script came to. */
  add({ events, struck }: Pick<Moment, "events" | "struck">): void {
    for (const event of events) for (const name of namesOf(event)) count(this.transitions, name, 1);
    for (const [kind, times] of struck) count(this.faults, kind, times);
  }

  /** Transitions that the charts have and nobody took. */
  get missing(): readonly string[] {
    return [...allTransitions].filter((name) => !this.transitions.has(name));
  }
}

/** The transitions that an event tells of; a parallel state may take several at once. */
function namesOf({ instanceId, source, from, to }: TroupeEvent): readonly string[] {
  if (instanceId === null) return [];
  const chart = source.kind;
  const after = leavesOf(chart, to);
  const before = from === null ? [beginning(chart, to)] : leavesOf(chart, from);
  const left = before.filter((leaf) => !after.includes(leaf));
  const entered = after.filter((leaf) => !before.includes(leaf));
  return left
    .flatMap((one) => entered.map((other) => transitionName(chart, one, other)))
    .filter((name) => allTransitions.has(name));
}

/** A workspace's actor begins stopped, which belongs to no instance and is not told. */
function beginning(chart: ChartName, to: string): string {
  return chart === "workspace" && to.startsWith("starting") ? "stopped" : BEGIN;
}

function count(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
