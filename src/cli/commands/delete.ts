import type { ClientContext } from "../context.ts";

export async function deleteWorkspace({ client, terminal, isJson }: ClientContext, key: string): Promise<undefined> {
  await client.delete(key);
  if (isJson) terminal.json({ deleted: key });
  else terminal.print([{ text: key, style: "bold" }, " is deleted"]);
}
