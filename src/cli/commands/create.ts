import type { ClientContext } from "../context.ts";
import { printWorkspace } from "../print-workspace.ts";
import { readWorkspaceFile } from "../workspace-file.ts";

export async function create(context: ClientContext, file: string, flags: { owner?: string }): Promise<undefined> {
  const config = await readWorkspaceFile(file);
  const { owner } = flags;
  printWorkspace(context, await context.client.create(config, owner === undefined ? {} : { owner }));
}
