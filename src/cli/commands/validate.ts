import type { ClientContext } from "../context.ts";
import { readWorkspaceFile } from "../workspace-file.ts";

export async function validate({ client, terminal, isJson }: ClientContext, file: string): Promise<undefined> {
  const warnings = await client.validate(await readWorkspaceFile(file));
  if (isJson) return void terminal.json({ warnings });
  for (const { code, message } of warnings) terminal.print([{ text: `warning ${code}: `, style: "yellow" }, message]);
  terminal.print([`${file} is valid`]);
}
