import type { OutputRecord } from "../infrastructure/spi.ts";
import type { OutputLine } from "../model/workspace.ts";
import { type Line, plainText, type Style, type Terminal } from "./terminal.ts";

type Gap = Extract<OutputRecord, { type: "gap" }>;

export type LogEntry = OutputLine | Gap;

/** Writes a batch of output; `cursor` is the place behind it. */
export type LogWriter = (batch: readonly LogEntry[], cursor: string) => void;

/** One object a line: `{type: "line", …}` or `{type: "gap", …}`. The last of each batch carries the `cursor`. */
export function jsonLogWriter(terminal: Terminal): LogWriter {
  return (batch, cursor) => {
    batch.forEach((entry, index) => {
      const place = index === batch.length - 1 ? { cursor } : {};
      terminal.json({ ...("type" in entry ? {} : { type: "line" }), ...entry, ...place });
    });
  };
}

/** Lines of one machine as they are, lines of several behind the machine's name. */
export function textLogWriter(terminal: Terminal, machines: readonly string[]): LogWriter {
  const prefix = prefixFor(machines);
  return (batch) => {
    for (const entry of batch) {
      if ("type" in entry) tellGap(terminal, entry);
      else terminal.print([...prefix(entry), entry.text]);
    }
  };
}

/** The same with control characters as they came, and without colours of ours. */
export function rawLogWriter(terminal: Terminal, machines: readonly string[]): LogWriter {
  const prefix = prefixFor(machines);
  return (batch) => {
    for (const entry of batch) {
      if ("type" in entry) tellGap(terminal, entry);
      else terminal.raw(`${prefix(entry).map(plainText).join("")}${entry.text}\n`);
    }
  };
}

const machineStyles: readonly Style[] = ["cyan", "green", "yellow", "magenta", "blue", "red"];

function prefixFor(machines: readonly string[]): (line: OutputLine) => Line {
  const width = Math.max(0, ...machines.map((name) => name.length));
  return ({ machine, installer }) => {
    const mark: Line = installer === null ? [] : [{ text: `[${installer}] `, style: "dim" }];
    if (machines.length === 1) return mark;
    const style = machineStyles[Math.max(0, machines.indexOf(machine)) % machineStyles.length] ?? "cyan";
    return [{ text: `${machine.padEnd(width)} | `, style }, ...mark];
  };
}

function tellGap(terminal: Terminal, { machine, installer, from, to }: Gap): void {
  const of = installer === null ? machine : `${machine} [${installer}]`;
  terminal.tell([{ text: `-- ${to - from} bytes that ${of} wrote are no longer kept --`, style: "yellow" }]);
}
