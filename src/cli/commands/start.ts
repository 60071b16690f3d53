import type { ClientContext } from "../context.ts";
import { printWorkspace } from "../print-workspace.ts";

export async function start(context: ClientContext, key: string, flags: { environment?: string }): Promise<undefined> {
  const { environment } = flags;
  printWorkspace(context, await context.client.start(key, environment === undefined ? {} : { environment }));
}
