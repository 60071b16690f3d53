import type { ClientContext } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { tableLines } from "../table.ts";

export async function leaks({ client, terminal, isJson }: ClientContext): Promise<undefined> {
  const found = await client.leaks();
  if (isJson) return void terminal.json({ leaks: found });
  if (found.length === 0) return void terminal.print(["Nothing is left behind."]);

  const now = Date.now();
  const rows = found.map((leak) => [
    leak.kind,
    leak.id,
    leak.instanceId,
    formatDuration(now - leak.since),
    String(leak.attempts),
    leak.reason,
  ]);
  const head = ["KIND", "ID", "INSTANCE", "SINCE", "ATTEMPTS", "REASON"];
  for (const line of tableLines([head, ...rows])) terminal.print(line);
}
