import { resolve } from "node:path";
import { TroupeError } from "../../errors.ts";
import type { ClientContext } from "../context.ts";
import { writePrivateFile } from "../private-file.ts";

interface ExportFlags {
  readonly instance?: string;
  readonly output?: string;
}

export async function exportWorkspace(context: ClientContext, key: string, flags: ExportFlags): Promise<undefined> {
  const { client, terminal, isJson } = context;
  const { instance: instanceId, output } = flags;
  const incident = await client.export(key, instanceId === undefined ? {} : { instanceId });
  const { notes } = incident;
  if (output === undefined) {
    terminal.json(incident);
    for (const note of notes) terminal.tell([{ text: note, style: "yellow" }]);
    return;
  }
  const file = resolve(output);
  await writePrivateFile(file, `${JSON.stringify(incident)}\n`).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TroupeError("NOT_FOUND", `Cannot write "${output}": ${reason}`, { cause });
  });
  const [events, instances] = [incident.events.length, incident.instances.length];
  if (isJson) return void terminal.json({ file, events, instances, notes });
  const of = instances === 1 ? "1 instance" : `${instances} instances`;
  terminal.print([`Wrote ${events} events of ${of} to `, { text: output, style: "bold" }]);
  for (const note of notes) terminal.print([{ text: note, style: "yellow" }]);
}
