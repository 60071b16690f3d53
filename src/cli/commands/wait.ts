import type { WaitCondition } from "../../supervisor/api.ts";
import type { ClientContext } from "../context.ts";
import { printWorkspace } from "../print-workspace.ts";

interface WaitFlags {
  readonly for: WaitCondition;
  /** In milliseconds. */
  readonly timeout: number;
}

export async function wait(context: ClientContext, key: string, flags: WaitFlags): Promise<undefined> {
  printWorkspace(context, await context.client.wait(key, flags.for, { timeoutMs: flags.timeout }));
}
