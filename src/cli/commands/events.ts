import type { Cursor } from "../../channels/records.ts";
import type { TroupeClient } from "../../client/index.ts";
import type { TroupeEvent } from "../../model/workspace.ts";
import type { ClientContext } from "../context.ts";
import { transitionLines } from "../transition.ts";

interface EventsFlags {
  readonly follow?: boolean;
  readonly since?: string;
}

type Batch =
  | { readonly type: "events"; readonly events: readonly TroupeEvent[]; readonly cursor: Cursor }
  | { readonly type: "gap"; readonly from: Cursor; readonly to: Cursor };

/** As JSON lines, the last event of each batch carries the `cursor` to go on from. */
export async function events(context: ClientContext, key: string, flags: EventsFlags): Promise<undefined> {
  const { client, terminal, isJson } = context;
  for await (const batch of batches(client, key, flags)) {
    if (batch.type === "gap") {
      if (isJson) terminal.json(batch);
      else terminal.tell([{ text: "-- some events are no longer kept --", style: "yellow" }]);
      continue;
    }
    batch.events.forEach((event, index) => {
      if (isJson) terminal.json(index === batch.events.length - 1 ? { ...event, cursor: batch.cursor } : event);
      else for (const line of transitionLines(event)) terminal.print(line);
    });
    await terminal.drained();
  }
}

async function* batches(client: TroupeClient, key: string, flags: EventsFlags): AsyncGenerator<Batch> {
  let cursor = flags.since;
  for (;;) {
    const page = await client.events(key, { limit: PAGE, ...(cursor === undefined ? {} : { after: cursor }) });
    yield { type: "events", ...page };
    cursor = page.cursor;
    if (page.events.length < PAGE) break;
  }
  if (flags.follow !== true) return;
  for await (const record of client.channel({ topic: "workspace", workspace: key, since: cursor })) {
    // A snapshot follows a gap: it is no event.
    if (record.type === "events" || record.type === "gap") yield record;
  }
}

/** The largest page that there is. */
const PAGE = 1_000;
