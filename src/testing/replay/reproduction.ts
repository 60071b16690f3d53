import { TroupeError } from "../../errors.ts";
import type { Incident } from "../../model/incident.ts";
import { Comparison, type Difference } from "./comparison.ts";
import { Director, TIMER_SLACK_MS } from "./director.ts";
import { Rehearsal } from "./rehearsal.ts";

/** A record, run again up to some event. */
export interface Reproduction {
  readonly rehearsal: Rehearsal;
  readonly differences: readonly Difference[];
  /** How many of the recorded events have happened: what comes at once with the last that was asked for is among them. */
  readonly reached: number;
}

/**
 * Goes through the first `count` events of the record, and through what came at once with the last of them: what a
 * transition brings about cannot be parted from it, and actors that it makes are seen before it.
 *
 * Instances whose beginning is not in the record are passed over.
 *
 * @throws {TroupeError} `REQUEST_INVALID` if the last of the events is of such an instance, or none is of any
 */
export async function reproduce(incident: Incident, count: number): Promise<Reproduction> {
  const record = wholeInstancesOf(incident);
  const first = record.events.findIndex((event, index) => event.instanceId !== null && index < count);
  const last = incident.events.slice(0, count).findLast(({ instanceId }) => instanceId !== null);
  if (last === undefined || first < 0 || !isIn(record, last.instanceId)) {
    throw new TroupeError(
      "REQUEST_INVALID",
      "Cannot rebuild what was: the beginning of the instance is not in the file",
    );
  }
  const rehearsal = new Rehearsal(incident, record.events[first]?.at ?? 0);
  try {
    return { rehearsal, ...(await follow(rehearsal, record, count)) };
  } catch (error) {
    await rehearsal.close();
    throw error;
  }
}

async function follow(
  rehearsal: Rehearsal,
  record: Incident,
  count: number,
): Promise<Pick<Reproduction, "differences" | "reached">> {
  const { events } = record;
  const comparison = new Comparison(rehearsal);
  const director = new Director(rehearsal, record, comparison);
  const atOnceUntil = (events[count - 1]?.at ?? 0) + TIMER_SLACK_MS;
  let reached = 0;
  for (const [index, event] of events.entries()) {
    const isWithLast = event.at <= atOnceUntil && (comparison.isBehind || comparison.has(event));
    if (index >= count && !isWithLast) break;
    reached = index + 1;
    if (!isIn(record, event.instanceId)) continue;
    if (!comparison.has(event)) await director.bringAbout(event, index);
    comparison.expect(event, index);
  }
  const soon = events.slice(reached).filter(({ at }) => at <= atOnceUntil);
  return { differences: comparison.differencesBut(soon), reached };
}

/** All events, and of the instances those that begin in the record. */
function wholeInstancesOf(incident: Incident): Incident {
  const firsts = new Map(incident.events.toReversed().map(({ instanceId, sequence }) => [instanceId, sequence]));
  return { ...incident, instances: incident.instances.filter(({ instanceId }) => firsts.get(instanceId) === 1) };
}

/** Changes of the workspace's record are of no instance. */
function isIn({ instances }: Incident, id: string | null): boolean {
  return instances.some(({ instanceId }) => instanceId === id);
}
