import type { LogLevel } from "../config.ts";
import { createLogger, type Logger } from "../telemetry/log.ts";
import type { Context } from "./context.ts";
import type { Line, Style } from "./terminal.ts";

/** Logs to standard error: JSON lines, or lines for people if that is a terminal. */
export function serverLogger(level: LogLevel, { terminal, host }: Context): Logger {
  if (host.stderr.isTTY !== true) return createLogger(level, { write: (json) => void host.stderr.write(json) });
  return createLogger(level, { write: (json) => terminal.tell(logLine(json)) });
}

/** pino's numbers. */
const levels: Readonly<Record<number, { readonly text: string; readonly style: Style }>> = {
  10: { text: "trace", style: "dim" },
  20: { text: "debug", style: "dim" },
  30: { text: "info ", style: "green" },
  40: { text: "warn ", style: "yellow" },
  50: { text: "error", style: "red" },
  60: { text: "fatal", style: "red" },
};

/** A JSON line of pino's as a line for people: `12:00:00 warn  message  key=value`. */
export function logLine(json: string): Line {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${fieldText(value)}`);
  return [
    { text: new Date(Number(time)).toTimeString().slice(0, 8), style: "dim" },
    " ",
    levels[Number(level)] ?? String(level),
    ` ${String(msg)}`,
    { text: rest.length === 0 ? "" : `  ${rest.join(" ")}`, style: "dim" },
  ];
}

function fieldText(value: unknown): string {
  if (typeof value === "object" && value !== null && "message" in value) return JSON.stringify(value.message);
  return typeof value === "string" && /^[\w./:@-]+$/.test(value) ? value : (JSON.stringify(value) ?? "");
}
