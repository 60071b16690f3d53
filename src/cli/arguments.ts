/** Reads what was given on the command line; each throws what commander tells the user. */
import { InvalidArgumentError } from "commander";
import type { WaitCondition } from "../supervisor/api.ts";
import { type Change, parseChange } from "../testing/replay/change.ts";
import { parseDuration } from "./duration.ts";

export function portArgument(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new InvalidArgumentError("A port is a number from 0 to 65535.");
  return port;
}

export function countArgument(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= 1 && Number.isSafeInteger(count))) throw new InvalidArgumentError("It must be a whole number from 1.");
  return count;
}

/** In milliseconds. */
export function durationArgument(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === undefined) throw new InvalidArgumentError("A duration is written 500ms, 10s, 2m or 1h.");
  return durationMs;
}

export function conditionArgument(text: string): WaitCondition {
  if (text === "running" || text === "stopped") return { for: text };
  // The server is behind the last slash: names of machines may have slashes.
  const [, machine, server, status] = /^(.+)\/([^/=]+)=(running|stopped)$/.exec(text) ?? [];
  if (machine === undefined || server === undefined) {
    throw new InvalidArgumentError("It must be running, stopped, MACHINE/SERVER=running or MACHINE/SERVER=stopped.");
  }
  return { for: "server", machine, server, status: status === "running" ? "RUNNING" : "STOPPED" };
}

export function changeArgument(text: string): Change {
  const change = parseChange(text);
  if (change === undefined) {
    throw new InvalidArgumentError("It must be stop@N, force@N, start@N, deadline@N or crash:MACHINE@N.");
  }
  return change;
}
