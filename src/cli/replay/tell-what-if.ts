import type { Incident } from "../../model/incident.ts";
import { type Change, describeChange } from "../../testing/replay/change.ts";
import { whatIf } from "../../testing/replay/what-if.ts";
import type { Context } from "../context.ts";
import type { Span } from "../terminal.ts";
import { transitionLine } from "../transition.ts";
import { treeLines } from "../tree.ts";
import { listing } from "./event-lines.ts";

/** One that is not as recorded makes many that are not; `--json` has all. */
const SHOWN_DIFFERENCES = 10;

/** Runs it, and says what would have followed, and how sure that is. */
export async function tellWhatIf({ terminal, isJson }: Context, incident: Incident, change: Change): Promise<void> {
  const result = await whatIf(incident, change);
  if (isJson) return terminal.json({ change, ...result });

  const { after, differences, events, view, isAtRest } = result;
  terminal.print([{ text: `What follows from ${describeChange(change)}`, style: "bold" }]);
  if (after > change.after) {
    terminal.print([dim(`Events up to ${after} came at once with event ${change.after}: it happens after them.`)]);
  }
  if (differences.length === 0) terminal.print([dim(`The first ${after} events were rebuilt as they are recorded.`)]);
  else terminal.print([{ text: "What was rebuilt is not as it is recorded:", style: "yellow" }]);
  for (const { index, event, message } of differences.slice(0, SHOWN_DIFFERENCES)) {
    const number = index === null ? "     " : String(index + 1).padStart(5);
    terminal.print([dim(`${number}  `), ...transitionLine(event), { text: `  ${message}`, style: "yellow" }]);
  }
  const more = differences.length - SHOWN_DIFFERENCES;
  if (more > 0) terminal.print([dim(`       and ${more} more, most of which follow from these`)]);
  terminal.print([]);
  for (const line of listing(events, after + 1)) terminal.print(line);
  if (events.length === 0) terminal.print(["Nothing changes."]);
  if (!isAtRest) terminal.print([{ text: "It does not come to rest.", style: "yellow" }]);
  terminal.print([]);
  for (const line of treeLines(view, events.at(-1)?.at ?? view.since)) terminal.print(line);
}

function dim(text: string): Span {
  return { text, style: "dim" };
}
