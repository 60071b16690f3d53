import type { ChannelUpdate, TroupeClient } from "../client/index.ts";
import { TroupeError } from "../errors.ts";
import type { TroupeEvent, WorkspaceView } from "../model/workspace.ts";
import type { Display } from "./display.ts";

/** How far one start of a workspace has come. */
export type Phase = "starting" | "running" | "over";

export function phaseOf(view: WorkspaceView, instanceId: string | null): Phase {
  if (view.nextInstanceId === instanceId) return "starting";
  if (view.instanceId !== instanceId || view.status === "STOPPED") return "over";
  return view.status === "RUNNING" ? "running" : "starting";
}

/** The workspace each time it is known to have changed as a whole, `first` to begin with; everything goes to `display`. */
export async function* watch(
  client: TroupeClient,
  first: WorkspaceView,
  updates: AsyncIterable<ChannelUpdate>,
  display: Display,
): AsyncGenerator<WorkspaceView, never> {
  display.view(first);
  yield first;
  for await (const update of updates) {
    const view = await viewAfter(client, first.id, update, display);
    if (view === undefined) continue;
    display.view(view);
    yield view;
  }
  throw new TroupeError("WORKSPACE_NOT_FOUND", `Cannot go on with workspace "${first.name}": it was deleted`);
}

async function viewAfter(
  client: TroupeClient,
  workspaceId: string,
  update: ChannelUpdate,
  display: Display,
): Promise<WorkspaceView | undefined> {
  switch (update.type) {
    case "gap":
      return undefined; // a snapshot follows
    case "snapshot":
    case "state":
      return update.workspaces.find(({ id }) => id === workspaceId);
    case "events":
      display.events(update.events);
      return viewOf(client, workspaceId, update.events.findLast(isOfWorkspace));
  }
}

/** The workspace as `event` left it. If it has gone on since then, nothing: the event that says so is on its way. */
async function viewOf(
  client: TroupeClient,
  workspaceId: string,
  event: TroupeEvent | undefined,
): Promise<WorkspaceView | undefined> {
  if (event === undefined) return undefined;
  const view = await client.get(workspaceId);
  return view.status === event.status && view.instanceId === event.instanceId ? view : undefined;
}

function isOfWorkspace({ source }: TroupeEvent): boolean {
  return source.kind === "workspace";
}
