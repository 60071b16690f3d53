import type { TroupeEvent } from "../model/workspace.ts";
import type { Line, Span } from "./terminal.ts";
import { failureLines } from "./tree.ts";

/** One event as a line: `2025-01-01T12:00:00.000Z  server web/http  checking → running  (probe.passed)  http://…`. */
export function transitionLine(event: TroupeEvent): Line {
  const path: Span = { text: event.from === null ? event.to : `${event.from} → ${event.to}`, style: "bold" };
  const url = event.data["url"];
  return [
    { text: new Date(event.at).toISOString(), style: "dim" },
    `  ${actorName(event)}  `,
    path,
    { text: `  (${event.cause})`, style: "dim" },
    ...(typeof url === "string" ? ["  ", { text: url, style: "cyan" } as const] : []),
  ];
}

/** One event as lines: a failure is told below its transition. */
export function transitionLines(event: TroupeEvent): Line[] {
  if (event.failure === null) return [transitionLine(event)];
  return [transitionLine(event), ...failureLines(event.failure).map((line): Line => ["  ", ...line])];
}

function actorName({ source }: TroupeEvent): string {
  if (source.kind === "workspace") return "workspace";
  if (source.kind === "machine") return `machine ${source.machine}`;
  return `${source.kind} ${source.machine}/${source.name}`;
}
