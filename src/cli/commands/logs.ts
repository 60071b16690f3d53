import type { LogPage, OutputUpdate, TroupeClient } from "../../client/index.ts";
import { TroupeError } from "../../errors.ts";
import type { OutputLine, WorkspaceView } from "../../model/workspace.ts";
import type { ClientContext } from "../context.ts";
import { parseDuration } from "../duration.ts";
import { jsonLogWriter, type LogEntry, type LogWriter, rawLogWriter, textLogWriter } from "../log-writer.ts";

export interface LogsFlags {
  readonly follow?: boolean;
  readonly since?: string;
  readonly machine?: string;
  readonly tail?: number;
  readonly installers?: boolean;
  readonly raw?: boolean;
}

export async function logs(context: ClientContext, key: string, flags: LogsFlags): Promise<undefined> {
  const { client, terminal } = context;
  const workspace = await client.get(key);
  const write = writerFor(context, machinesOf(workspace, flags.machine), flags);
  const lastMs = flags.since === undefined ? undefined : parseDuration(flags.since);
  const notBefore = lastMs === undefined ? 0 : Date.now() - lastMs;

  const cursor = lastMs === undefined ? flags.since : undefined;
  const updates =
    flags.follow === true ? follow(client, workspace.id, flags, cursor) : pages(client, workspace.id, flags, cursor);
  const isShown = ({ at, installer }: OutputLine) =>
    at >= notBefore && (installer === null || flags.installers === true);
  for await (const { records, cursor: place } of updates) {
    write(
      records.flatMap((record): readonly LogEntry[] =>
        record.type === "gap" ? [record] : record.lines.filter(isShown),
      ),
      place,
    );
    await terminal.drained();
  }
}

function writerFor({ terminal, isJson }: ClientContext, machines: readonly string[], flags: LogsFlags): LogWriter {
  if (isJson) return jsonLogWriter(terminal);
  return flags.raw === true ? rawLogWriter(terminal, machines) : textLogWriter(terminal, machines);
}

/** The machines whose lines are shown. @throws {TroupeError} `NOT_FOUND` if the workspace has no such machine. */
function machinesOf(workspace: WorkspaceView, machine: string | undefined): readonly string[] {
  const machines = Object.keys(workspace.machines);
  if (machine === undefined) return machines;
  // A workspace that was never started does not know its machines.
  if (machines.length === 0 || machines.includes(machine)) return [machine];
  const known = machines.map((name) => `"${name}"`).join(", ");
  throw new TroupeError("NOT_FOUND", `Cannot find machine "${machine}" in "${workspace.name}": it has ${known}`);
}

function follow(client: TroupeClient, workspace: string, flags: LogsFlags, since: string | undefined) {
  return client.output({ workspace, ...selection(flags), ...(since === undefined ? {} : { since }) });
}

async function* pages(
  client: TroupeClient,
  workspace: string,
  flags: LogsFlags,
  since: string | undefined,
): AsyncGenerator<OutputUpdate> {
  let cursor = since;
  let page: LogPage;
  do {
    page = await client.logs(workspace, {
      ...selection(flags),
      limit: 10_000,
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield page;
    cursor = page.cursor;
  } while (page.more);
}

function selection({ machine, tail }: LogsFlags): { machine?: string; tail?: number } {
  return { ...(machine === undefined ? {} : { machine }), ...(tail === undefined ? {} : { tail }) };
}
