import type { ClientContext } from "../context.ts";
import { treeLines } from "../tree.ts";

export async function status({ client, terminal, isJson }: ClientContext, key: string): Promise<undefined> {
  const view = await client.get(key);
  if (isJson) return void terminal.json(view);
  for (const line of treeLines(view, Date.now())) terminal.print(line);
  for (const { code, message } of view.warnings)
    terminal.print([{ text: `warning ${code}: `, style: "yellow" }, message]);
}
