import type { Infrastructure, InstanceRef } from "../infrastructure/spi.ts";
import type { OutputLine } from "../model/workspace.ts";
import type { Clock } from "./api.ts";
import { within } from "./within.ts";

/** So many lines explain a failure without burying it. */
export const LAST_LINES = 20;

/** Reading them must not hold up the transition that they explain. */
const READ_WITHIN_MS = 1_000;

/** The last lines that a machine and its installers wrote, oldest first within each stream. Empty where they can't be read. */
export async function lastLinesOf(
  infrastructure: Infrastructure,
  ref: InstanceRef,
  machine: string,
  clock: Clock,
  count: number = LAST_LINES,
): Promise<readonly OutputLine[]> {
  const lines: OutputLine[] = [];
  try {
    await within(READ_WITHIN_MS, clock, new AbortController().signal, async (signal) => {
      const records = infrastructure.output(ref, machine, {}, { follow: false, tail: count }, signal);
      for await (const record of records) if (record.type === "lines") lines.push(...record.lines);
    });
  } catch {
    // Nothing is lost but the explanation: what could be read until here is used.
  }
  return [...lines];
}

/** Of one stream, as text. `installer: null` is the machine's own command. */
export function textOf(lines: readonly OutputLine[], installer: string | null, count: number = LAST_LINES): string[] {
  return lines
    .filter((line) => line.installer === installer)
    .slice(-count)
    .map(({ text }) => text);
}
