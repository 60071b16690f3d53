import type { Incident } from "../../model/incident.ts";
import type { TroupeEvent } from "../../model/workspace.ts";
import type { Change } from "../../testing/replay/change.ts";
import { checkAgainstCharts, type Objection } from "../../testing/replay/check-against-charts.ts";
import { viewAt, viewsOf } from "../../testing/replay/history.ts";
import { parseIncident } from "../../testing/replay/parse-incident.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { Line } from "../terminal.ts";
import { treeLines } from "../tree.ts";
import { browse, canBrowse, type Pages } from "./browse.ts";
import { eventLines, listing } from "./event-lines.ts";
import { tellWhatIf } from "./tell-what-if.ts";

/** Shows an incident step by step, or what would have followed from a change. */
export async function replayIncident(
  context: Context,
  text: string,
  { file, whatIf: change }: { readonly file: string; readonly whatIf: Change | undefined },
): Promise<ExitCode> {
  const incident = parseIncident(text, `"${file}"`);
  if (change !== undefined) {
    await tellWhatIf(context, incident, change);
    return exitCodes.ok;
  }
  const objections = checkAgainstCharts(incident);
  const { terminal, isJson } = context;
  for (const note of incident.notes) terminal.tell([{ text: note, style: "yellow" }]);
  if (isJson) await printJson(context, incident, objections);
  else if (canBrowse(context)) await browse(context, pagesOf(incident, reasonsOf(objections)));
  else await printAll(context, incident, objections);
  return verdictOn(context, objections);
}

async function printJson({ terminal }: Context, incident: Incident, objections: readonly Objection[]): Promise<void> {
  const reasons = reasonsOf(objections);
  let index = 0;
  for (const view of viewsOf(incident)) {
    terminal.json({ number: index + 1, event: incident.events[index], view, objection: reasons.get(index) ?? null });
    index += 1;
    await terminal.drained();
  }
}

async function printAll({ terminal }: Context, incident: Incident, objections: readonly Objection[]): Promise<void> {
  const { events } = incident;
  for (const line of listing(events, 1, reasonsOf(objections))) {
    terminal.print(line);
    await terminal.drained();
  }
  const last = events.at(-1);
  if (last === undefined) return;
  for (const line of treeLines(viewAt(incident, events.length - 1), last.at)) terminal.print(line);
}

function pagesOf(incident: Incident, reasons: ReadonlyMap<number, string>): Pages {
  const { events } = incident;
  const ofEvent = (index: number, show: (event: TroupeEvent) => Line[]): Line[] => {
    const event = events[index];
    return event === undefined ? [] : show(event);
  };
  return {
    count: events.length,
    happening: (index) => ofEvent(index, (event) => eventLines(event, index + 1, reasons.get(index))),
    picture: (index) => ofEvent(index, ({ at }) => treeLines(viewAt(incident, index), at)),
  };
}

function reasonsOf(objections: readonly Objection[]): ReadonlyMap<number, string> {
  return new Map(objections.map(({ index, reason }) => [index, reason]));
}

/** The first is enough: what follows may follow from it. */
function verdictOn({ terminal }: Context, objections: readonly Objection[]): ExitCode {
  const [first] = objections;
  if (first === undefined) return exitCodes.ok;
  const others = objections.length === 1 ? "" : ` (and ${objections.length - 1} more)`;
  terminal.tell([
    { text: `Event ${first.index + 1} is not allowed by the charts: `, style: "red" },
    `${first.reason}${others}`,
  ]);
  return exitCodes.failed;
}
