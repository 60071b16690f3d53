import { setImmediate as turn } from "node:timers/promises";
import { TroupeError } from "../errors.ts";
import type { InstanceRow, Journal, WorkspaceRow } from "../journal/spi.ts";
import type { Incident, IncidentInstance } from "../model/incident.ts";
import type { TroupeEvent } from "../model/workspace.ts";
import { version } from "../version.ts";
import { scrubber } from "./scrubber.ts";

/** More than the journal keeps of a workspace by default; some 50 MB. */
export const MAX_EVENTS = 50_000;

/** Read at a time; then others have their turn. */
const PAGE = 1_000;

/**
 * All that the journal knows of a workspace, or of one instance of it, up to now; without secrets.
 *
 * @throws {TroupeError} `NOT_FOUND` if the workspace has no such instance
 */
export async function incidentOf(
  journal: Journal,
  row: WorkspaceRow,
  { instanceId, exportedAt }: { readonly instanceId: string | undefined; readonly exportedAt: number },
): Promise<Incident> {
  const { workspaceId, name, config } = row;
  if (instanceId !== undefined && journal.instance(instanceId)?.workspaceId !== workspaceId) {
    throw new TroupeError(
      "NOT_FOUND",
      `Cannot export instance "${instanceId}": workspace "${name}" has none of that id`,
    );
  }
  const { events: found, leftOut } = await eventsOf(journal, workspaceId, instanceId);
  const ids = new Set(found.flatMap((event) => event.instanceId ?? []));
  const instances = [...ids].flatMap((id) => journal.instance(id) ?? []);
  const known = new Set<string | null>([null, ...instances.map((one) => one.instanceId)]);
  const events = found.filter((event) => known.has(event.instanceId)); // of what is being pruned, the rest goes too
  const scrub = scrubber([config, row, ...instances]);
  const scrubbed: TroupeEvent[] = [];
  for (let begin = 0; begin < events.length; begin += PAGE) {
    scrubbed.push(...scrub(events.slice(begin, begin + PAGE)));
    await turn();
  }
  return {
    format: "troupe-incident",
    version: 1,
    troupe: version,
    exportedAt,
    workspace: scrub({
      id: workspaceId,
      name,
      owner: row.owner,
      attributes: row.attributes,
      version: row.version,
      createdAt: row.createdAt,
      updatedAt: row.updatedAt,
    }),
    config: scrub(config),
    instances: scrub(instances.map(instanceOf)),
    events: scrubbed,
    notes: notesOn(events, leftOut),
  };
}

/** The newest, as far as the bound goes, of what there is when this begins. */
async function eventsOf(
  journal: Journal,
  workspaceId: string,
  instanceId: string | undefined,
): Promise<{ readonly events: readonly TroupeEvent[]; readonly leftOut: number }> {
  const { last } = journal.bounds();
  let events: TroupeEvent[] = [];
  let leftOut = 0;
  for (let after = 0; ; ) {
    const query = { workspaceId, after, limit: PAGE, ...(instanceId === undefined ? {} : { instanceId }) };
    const page = journal.events(query);
    events.push(...page.filter(({ position }) => position <= last));
    if (events.length > MAX_EVENTS) {
      leftOut += events.length - MAX_EVENTS;
      events = events.slice(-MAX_EVENTS);
    }
    after = page.at(-1)?.position ?? last;
    if (page.length < PAGE || after >= last) return { events, leftOut };
    await turn();
  }
}

function instanceOf({ workspaceId: _workspace, lastOutput: _output, ...instance }: InstanceRow): IncidentInstance {
  return instance;
}

function notesOn(events: readonly TroupeEvent[], leftOut: number): string[] {
  if (leftOut > 0) return [`The oldest ${leftOut} events are left out: a file holds at most ${MAX_EVENTS}.`];
  const first = new Map(events.toReversed().map(({ instanceId, sequence }) => [instanceId, sequence]));
  first.delete(null); // the record's are kept for a time, not by number
  const isCut = [...first.values()].some((sequence) => sequence > 1);
  return isCut ? ["The oldest events are no longer kept by the journal."] : [];
}
