import type { TroupeClient } from "../../client/index.ts";
import type { WorkspaceStatus, WorkspaceView } from "../../model/workspace.ts";
import type { ClientContext } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { tableLines } from "../table.ts";

interface ListFlags {
  readonly owner?: string;
  readonly status?: WorkspaceStatus;
}

export async function list({ client, terminal, isJson }: ClientContext, flags: ListFlags): Promise<undefined> {
  const workspaces = await all(client, flags);
  if (isJson) return void terminal.json({ workspaces });

  const now = Date.now();
  const rows = workspaces.map((view) => [
    { text: view.name, style: "bold" } as const,
    view.status,
    formatDuration(now - view.since),
    view.owner,
    view.id,
  ]);
  const head = ["NAME", "STATUS", "SINCE", "OWNER", "ID"];
  for (const line of tableLines([head, ...rows])) terminal.print(line);
}

async function all(client: TroupeClient, { owner, status }: ListFlags): Promise<WorkspaceView[]> {
  const query = {
    limit: 1_000,
    ...(owner === undefined ? {} : { owner }),
    ...(status === undefined ? {} : { status }),
  };
  let page = await client.list(query);
  const workspaces = [...page.workspaces];
  while (page.next !== null) {
    page = await client.list({ ...query, after: page.next });
    workspaces.push(...page.workspaces);
  }
  return workspaces;
}
