import type { ClientContext } from "../context.ts";
import { printWorkspace } from "../print-workspace.ts";

export async function stop(context: ClientContext, key: string, flags: { force?: boolean }): Promise<undefined> {
  printWorkspace(context, await context.client.stop(key, { force: flags.force === true }));
}
