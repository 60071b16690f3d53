import type { Failure } from "../../../machines/failure.ts";
import type { TroupeEvent } from "../../model/workspace.ts";
import type { Line } from "../terminal.ts";
import { transitionLine, transitionLines } from "../transition.ts";

const INDENT = "       ";

/** An event with its number in the incident; below it why the charts do not allow it, if they don't. */
export function eventLines(event: TroupeEvent, number: number, objection?: string): Line[] {
  return numbered(transitionLines(event), number, objection);
}

/** Events in a row, from `number` on: a failure that all that follows carries along is told once. */
export function* listing(
  events: readonly TroupeEvent[],
  number: number,
  objections: ReadonlyMap<number, string> = new Map(),
): Generator<Line> {
  let told: Failure | null = null;
  for (const [index, event] of events.entries()) {
    const { failure } = event;
    const isTold = failure === null || (failure.at === told?.at && failure.message === told.message);
    told = failure ?? told;
    yield* numbered(isTold ? [transitionLine(event)] : transitionLines(event), number + index, objections.get(index));
  }
}

function numbered([first = [], ...more]: readonly Line[], number: number, objection: string | undefined): Line[] {
  return [
    [{ text: `${String(number).padStart(INDENT.length - 2)}  `, style: "dim" }, ...first],
    ...more.map((line): Line => [INDENT, ...line]),
    ...(objection === undefined ? [] : [[{ text: `${INDENT}✗ ${objection}`, style: "red" } as const]]),
  ];
}
