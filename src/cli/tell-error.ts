import { TroupeError } from "../errors.ts";
import { terminalOf } from "./context.ts";
import { type ExitCode, exitCodeOf, exitCodes } from "./exit-codes.ts";
import type { Host } from "./host.ts";

/** Says what went wrong: one sentence, then each problem on a line with its path. With `TROUPE_DEBUG`, the stack too. */
export function tellError(host: Host, error: unknown): ExitCode {
  const terminal = terminalOf(host);
  const isOurs = error instanceof TroupeError;
  const problems = isOurs ? error.problems : [];

  terminal.tell([{ text: "error: ", style: "red" }, sentenceOf(error)]);
  for (const { path, message } of problems) {
    terminal.tell(path === "" ? [`  ${message}`] : ["  ", { text: path, style: "bold" }, `: ${message}`]);
  }
  if ((host.env["TROUPE_DEBUG"] ?? "") !== "") {
    for (const line of stackOf(error).split("\n")) terminal.tell([{ text: line, style: "dim" }]);
  }
  return isOurs ? exitCodeOf(error) : exitCodes.failed;
}

function sentenceOf(error: unknown): string {
  // With the problems listed below, the sentence need not quote the first of them.
  if (error instanceof TroupeError && error.code === "CONFIG_INVALID" && error.problems.length > 0) {
    return error.message.replace(/:.*$/s, ":");
  }
  return error instanceof Error ? error.message : String(error);
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\nCaused by: ${stackOf(error.cause)}`;
}
