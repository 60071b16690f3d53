import { TroupeError } from "../../errors.ts";
import type { Incident } from "../../model/incident.ts";
import type { TroupeEvent, WorkspaceView } from "../../model/workspace.ts";
import { type Change, describeChange } from "./change.ts";
import { stepsOf } from "./check-against-charts.ts";
import type { Difference } from "./comparison.ts";
import { viewAt } from "./history.ts";
import type { Rehearsal } from "./rehearsal.ts";
import { reproduce } from "./reproduction.ts";

export interface WhatIf {
  /** How many recorded events there are before the change: what comes at once with the last cannot be parted from it. */
  readonly after: number;
  /** Where what was rebuilt is not as the record. */
  readonly differences: readonly Difference[];
  /** What follows from the change. */
  readonly events: readonly TroupeEvent[];
  /** The workspace at the end. */
  readonly view: WorkspaceView;
  /** Whether it has come to rest: nothing is awaited any more. */
  readonly isAtRest: boolean;
}

/** Every budget on the way to rest is far below this. */
const REST_WITHIN_MS = 7 * 24 * 60 * 60_000;

/**
 * Rebuilds the workspace as it was after some event, lets something else happen, and sees what follows.
 *
 * The real supervisor runs on simulated machines and virtual time. Up to the change everything settles as the record
 * says; after it whatever is asked of the infrastructure succeeds at once, and servers answer. With `deadline` what was under way
 * at the change never settles, until the first budget is used up.
 *
 * @throws {TroupeError} `REQUEST_INVALID` if there is no such event, the record is not whole, or it cannot happen there
 */
export async function whatIf(incident: Incident, change: Change): Promise<WhatIf> {
  const { length } = incident.events;
  if (change.after > length) throw impossible(change, `there are ${length} events`);
  const { rehearsal, differences, reached } = await reproduce(incident, change.after);
  try {
    const before = rehearsal.events.length;
    await apply(rehearsal, incident, change);
    const isAtRest = await rest(rehearsal);
    const events = rehearsal.events.slice(before);
    return { after: reached, differences, events, view: viewAfter(incident, reached, events), isAtRest };
  } finally {
    await rehearsal.close();
  }
}

async function apply(rehearsal: Rehearsal, incident: Incident, change: Change): Promise<void> {
  const { live, gate } = rehearsal;
  if (change.do === "deadline") {
    const next = nextDeadline(rehearsal);
    if (next === null) throw impossible(change, "nothing waits there");
    gate.open("never");
    await rehearsal.clock.advanceAsync(next - rehearsal.clock.now());
    return rehearsal.settle();
  }
  if (change.do === "crash") crash(rehearsal, change);
  else if (change.do === "start") start(rehearsal, incident);
  else if (live !== undefined) {
    rehearsal.stop({ by: "user", message: "It was asked to stop" }, change.do === "force");
  }
  await rehearsal.settle();
  gate.open("done");
}

function crash({ live, infrastructure }: Rehearsal, change: Extract<Change, { do: "crash" }>): void {
  const instanceId = live?.instance.instanceId;
  const there = infrastructure.world().instances.find((one) => one.instanceId === instanceId);
  const { machine } = change;
  if (instanceId === undefined || there?.machines[machine]?.state !== "running") {
    throw impossible(change, `machine "${machine}" does not run there`);
  }
  infrastructure.crash(instanceId, machine);
}

/** As the supervisor starts: what runs, or is to run next, is left as it is. */
function start(rehearsal: Rehearsal, { instances }: Incident): void {
  const { live, clock } = rehearsal;
  const last = instances.at(-1);
  if (last === undefined || live?.instance.desired === "running" || (live?.next ?? null) !== null) return;
  rehearsal.start({ ...last, instanceId: "what-if", createdAt: clock.now() });
}

/** Of all that is awaited, what is over first. */
function nextDeadline({ live }: Rehearsal): number | null {
  const deadlines = (live?.actors ?? []).flatMap(({ deadlineAt }) => deadlineAt ?? []);
  return deadlines.length === 0 ? null : Math.min(...deadlines);
}

async function rest(rehearsal: Rehearsal): Promise<boolean> {
  try {
    await rehearsal.settle();
    await rehearsal.clock.runUntil(() => isAtRest(rehearsal), REST_WITHIN_MS);
    return true;
  } catch {
    return false; // no timer is left that could change it, or none within the time
  }
}

function isAtRest({ live }: Rehearsal): boolean {
  if (live === undefined) return true;
  return live.actors.every(({ source, state }) => !stepsOf(source.kind).isBusy(state));
}

function viewAfter(incident: Incident, reached: number, events: readonly TroupeEvent[]): WorkspaceView {
  const all = [...incident.events.slice(0, reached), ...events];
  const unknown = [...new Set(events.map(({ instanceId }) => instanceId))].filter(
    (id) => id !== null && incident.instances.every(({ instanceId }) => instanceId !== id),
  );
  const last = incident.instances.at(-1);
  const made = last === undefined ? [] : unknown.map((id) => ({ ...last, instanceId: id ?? "" }));
  return viewAt({ ...incident, instances: [...incident.instances, ...made], events: all }, all.length - 1);
}

function impossible(change: Change, why: string): TroupeError {
  return new TroupeError("REQUEST_INVALID", `Cannot try "${describeChange(change)}": ${why}`);
}
