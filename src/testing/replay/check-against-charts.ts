import type { AnyStateMachine } from "xstate";
import { installerLogic } from "../../../machines/installer.ts";
import { machineLogic } from "../../../machines/machine.ts";
import type { Source } from "../../../machines/port.ts";
import { serverLogic } from "../../../machines/server.ts";
import { workspaceLogic } from "../../../machines/workspace.ts";
import type { Incident } from "../../model/incident.ts";
import { sourceKey, type TroupeEvent } from "../../model/workspace.ts";
import { type ChartSteps, chartSteps } from "./chart-steps.ts";

/** An event that the charts do not allow. */
export interface Objection {
  /** Of the event, from 0. */
  readonly index: number;
  readonly event: TroupeEvent;
  /** One sentence. */
  readonly reason: string;
}

const charts: Readonly<Record<Source["kind"], AnyStateMachine>> = {
  workspace: workspaceLogic,
  machine: machineLogic,
  installer: installerLogic,
  server: serverLogic,
};

const steps = new Map<Source["kind"], ChartSteps>();

/** What the chart of such an actor allows. Read from the chart once. */
export function stepsOf(kind: Source["kind"]): ChartSteps {
  const known = steps.get(kind) ?? chartSteps(charts[kind]);
  steps.set(kind, known);
  return known;
}

/**
 * Holds every event against the chart of its actor: whether it goes on from where the actor was, whether its cause leads
 * from there to where it says, and whether the status is the one that the chart gives there.
 *
 * @returns what is not so, in the order of the events; empty if the charts, as they are here, allow all that happened
 */
export function checkAgainstCharts({ events }: Pick<Incident, "events">): readonly Objection[] {
  const last = new Map<string, TroupeEvent>();
  return events.flatMap((event, index) => {
    if (event.instanceId === null) return []; // a change of the record: no chart made it
    const key = `${event.instanceId} ${sourceKey(event.source)}`;
    const reason = objectionTo(event, last.get(key));
    last.set(key, event);
    return reason === null ? [] : [{ index, event, reason }];
  });
}

function objectionTo(event: TroupeEvent, before: TroupeEvent | undefined): string | null {
  const { source, from, to, cause, status } = event;
  const chart = stepsOf(source.kind);
  const unknown = [from, to].find((state) => state !== null && !chart.has(state));
  if (unknown !== undefined) return `The chart of a ${source.kind} has no state "${unknown}"`;
  if (from !== null && before !== undefined && from !== before.to) {
    return `It begins in "${from}", but the actor was in "${before.to}"`;
  }
  const allowed = from === null ? beginnings(source, cause) : following(chart, { ...event, from }, before);
  if (!allowed.has(to)) {
    const known = allowed.size === 0 ? "it leads nowhere there" : `it may lead to ${[...allowed].sort().join(", ")}`;
    return `In ${from === null ? "a new actor" : `"${from}"`}, "${cause}" does not lead to "${to}": ${known}`;
  }
  const expected = chart.statusOf(to);
  return status === expected ? null : `In "${to}" the status is ${expected}, not ${status}`;
}

function following(
  chart: ChartSteps,
  { from, cause }: TroupeEvent & { readonly from: string },
  before: TroupeEvent | undefined,
): ReadonlySet<string> {
  const reached = chart.after(from, cause);
  // One happening may lead through several states, each of which is seen.
  return before !== undefined && before.cause !== cause ? reached : new Set([...reached, ...chart.afterwards(from)]);
}

/** An instance begins with its workspace's chart anew, or where that of the instance before has stopped. */
function beginnings({ kind }: Source, cause: string): ReadonlySet<string> {
  const chart = stepsOf(kind);
  if (cause === "begun") return chart.beginnings;
  return kind === "workspace" ? new Set([...chart.after("stopped", cause), ...chart.afterwards("stopped")]) : new Set();
}
