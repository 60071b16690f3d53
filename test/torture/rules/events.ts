/** Every event once, in order, to everybody, and none that was not committed. */
import { isDeepStrictEqual } from "node:util";
import { sourceKey, type TroupeEvent } from "../../../src/model/workspace.ts";
import { type Evidence, nameOf, type Violation } from "../evidence.ts";
import { groupBy } from "../group-by.ts";
import type { EventsFollowed } from "../history.ts";

export function* eventRules(evidence: Evidence): Generator<Violation> {
  yield* journalRules(evidence);
  const committed = new Map(evidence.journal.events.map((event) => [event.position, asOnTheWire(event)]));
  for (const followed of evidence.history.events) {
    if (followed.from === null) continue;
    yield* orderRules(evidence, followed);
    yield* truthRules(evidence, followed, committed);
    yield* completenessRules(evidence, followed);
  }
  yield* agreementRules(evidence);
}

/** What the journal itself must be like. */
function* journalRules(evidence: Evidence): Generator<Violation> {
  const { events, workspaces } = evidence.journal;
  for (const [instanceId, own] of groupBy(events, ({ instanceId }) => instanceId)) {
    if (instanceId === null) continue;
    const hole = own.find(({ sequence }, index) => sequence !== index + 1);
    if (hole !== undefined) yield violation(evidence, "sequences have no holes", hole);
  }
  for (const event of events) {
    if (event.failure !== null) yield violation(evidence, "nothing fails", event, event.failure.message);
  }
  const records = groupBy(
    events.filter(({ instanceId }) => instanceId === null),
    ({ workspaceId }) => workspaceId,
  );
  for (const { workspaceId, name, version } of workspaces) {
    const told = (records.get(workspaceId) ?? []).map(({ data }) => data["version"]);
    const expected = Array.from({ length: version }, (_, index) => index + 1);
    if (!isDeepStrictEqual(told, expected)) {
      yield {
        rule: "every change of a record is an event",
        workspace: name,
        what: `events tell versions ${told.join(", ")} of ${version}`,
      };
    }
  }
  for (const [workspaceId, changes] of records) {
    const isThere = workspaces.some((row) => row.workspaceId === workspaceId);
    if (isThere !== (changes.at(-1)?.to !== "deleted")) {
      yield {
        rule: "every deletion is an event",
        workspace: nameOf(workspaceId, evidence),
        what: `${workspaceId} is ${isThere ? "there" : "gone"}, and its last event says "${changes.at(-1)?.to}"`,
      };
    }
  }
}

function* orderRules(evidence: Evidence, { events, from, others, topic }: EventsFollowed): Generator<Violation> {
  const workspace = topic === "all" ? null : topic.workspace;
  for (const other of others) {
    yield { rule: "a subscription that resumes gets events and nothing else", workspace, what: `it got a ${other}` };
  }
  let position = from ?? 0;
  for (const event of events) {
    if (event.position <= position) {
      yield violation(evidence, "no event is told twice, or late", event, `it was told behind ${position}`);
    }
    position = event.position;
  }
}

function* truthRules(
  evidence: Evidence,
  { events }: EventsFollowed,
  committed: ReadonlyMap<number, unknown>,
): Generator<Violation> {
  const workspaceIds = new Set(evidence.journal.workspaces.map(({ workspaceId }) => workspaceId));
  for (const event of events) {
    const kept = committed.get(event.position);
    // With a workspace the journal gives up the events of its instances.
    if (kept === undefined && !workspaceIds.has(event.workspaceId) && event.instanceId !== null) continue;
    if (!isDeepStrictEqual(kept, event)) {
      yield violation(evidence, "what is told is committed", event, `the journal has ${JSON.stringify(kept)}`);
    }
  }
}

function* completenessRules(
  evidence: Evidence,
  { events, from, position, topic }: EventsFollowed,
): Generator<Violation> {
  const told = new Set(events.map((event) => event.position));
  for (const event of evidence.journal.events) {
    if (event.position <= (from ?? 0) || event.position > position || told.has(event.position)) continue;
    if (topic !== "all" && topic.workspace !== nameOf(event.workspaceId, evidence)) continue;
    yield violation(evidence, "no event is missing", event, `a follower of ${JSON.stringify(topic)} is at ${position}`);
  }
}

/** Of deleted workspaces too: whoever was told an event at a position was told the same. */
function* agreementRules(evidence: Evidence): Generator<Violation> {
  const told = new Map<number, TroupeEvent>();
  for (const event of evidence.history.events.flatMap(({ events }) => events)) {
    const other = told.get(event.position);
    if (other === undefined) told.set(event.position, event);
    else if (!isDeepStrictEqual(event, other)) yield violation(evidence, "all followers are told the same", event);
  }
}

function asOnTheWire(event: TroupeEvent): unknown {
  return JSON.parse(JSON.stringify(event));
}

function violation(evidence: Evidence, rule: string, event: TroupeEvent, what = ""): Violation {
  const { position, instanceId, sequence, source, to } = event;
  return {
    rule,
    workspace: nameOf(event.workspaceId, evidence),
    what: `event ${position} (${sequence} of ${instanceId}: ${sourceKey(source)} ${to}): ${what}`,
  };
}
