/** Waiting for what a channel says. */
import type { TroupeClient } from "../../src/client/index.ts";
import type { OutputRecord } from "../../src/infrastructure/spi.ts";
import { sourceKey, type TroupeEvent, type WorkspaceView } from "../../src/model/workspace.ts";

/** How long anything that is awaited may take, in milliseconds. */
const PATIENCE_MS = 30_000;

/** Resolves to the first event behind `since` that `matches`. */
export async function untilEvent(
  client: TroupeClient,
  workspace: string,
  since: string,
  matches: (event: TroupeEvent) => boolean,
): Promise<TroupeEvent> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  for await (const update of client.channel({ topic: "workspace", workspace, since, signal })) {
    const event = update.type === "events" ? update.events.find(matches) : undefined;
    if (event !== undefined) return event;
  }
  throw new Error(`No such event within ${PATIENCE_MS} ms; ${await stateOf(client, workspace)}`);
}

/** Resolves to the first view that `matches`. */
export async function untilView(
  client: TroupeClient,
  workspace: string,
  matches: (view: WorkspaceView) => boolean,
): Promise<WorkspaceView> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  for await (const update of client.channel({ topic: "workspace", workspace, policy: "state", signal })) {
    const view = "workspaces" in update ? update.workspaces.find(matches) : undefined;
    if (view !== undefined) return view;
  }
  throw new Error(`No such state within ${PATIENCE_MS} ms; ${await stateOf(client, workspace)}`);
}

/** Resolves when a machine, or an installer in it, has written this line. */
export async function untilLine(client: TroupeClient, workspace: string, text: string): Promise<void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  for await (const { records } of client.output({ workspace, signal })) {
    if (linesOf(records).includes(text)) return;
  }
  throw new Error(`No line "${text}" within ${PATIENCE_MS} ms; ${await stateOf(client, workspace)}`);
}

export function linesOf(records: readonly OutputRecord[]): string[] {
  return records.flatMap((record) => (record.type === "lines" ? record.lines.map(({ text }) => text) : []));
}

export const untilSteady = (client: TroupeClient, workspace: string): Promise<WorkspaceView> =>
  untilView(client, workspace, ({ state }) => state === "running.steady");

/** All events of a workspace, oldest first. */
export async function eventsOf(client: TroupeClient, workspace: string): Promise<readonly TroupeEvent[]> {
  const events: TroupeEvent[] = [];
  for (let after: string | undefined; ; ) {
    const page = await client.events(workspace, { limit: 1_000, ...(after === undefined ? {} : { after }) });
    if (page.events.length === 0) return events;
    events.push(...page.events);
    after = page.cursor;
  }
}

async function stateOf(client: TroupeClient, workspace: string): Promise<string> {
  const { state, machines, failure } = await client.get(workspace);
  const each = Object.entries(machines).map(([name, machine]) => `${name} ${machine.state}`);
  return `"${workspace}" is ${[state, ...each].join(", ")}${failure === null ? "" : `: ${failure.message}`}`;
}

/** One arrival of one actor in one state. */
export interface Moment {
  readonly actor: string;
  readonly state: string;
}

export const momentOf = ({ source, to }: TroupeEvent): Moment => ({ actor: sourceKey(source), state: to });

export const isMoment =
  ({ actor, state }: Moment) =>
  (event: TroupeEvent): boolean =>
    sourceKey(event.source) === actor && event.to === state;

/** Every moment of these events, each once, in the order of their first time. */
export function momentsOf(events: readonly TroupeEvent[]): Moment[] {
  const moments = events.map(momentOf);
  return moments.filter(
    (one, index) => moments.findIndex(({ actor, state }) => actor === one.actor && state === one.state) === index,
  );
}
