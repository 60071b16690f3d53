import { isDeepStrictEqual } from "node:util";
import type { OutputLine } from "../../model/workspace.ts";
import { describeCall } from "./call.ts";
import {
  type ExecId,
  execIds,
  execRole,
  type InstanceName,
  linesOfRun,
  type MachineName,
  NOTE,
  workspaceOf,
} from "./cast.ts";
import type { Checks } from "./checks.ts";
import type { Case } from "./judge.ts";
import type { MachineModel } from "./machine-model.ts";
import type { Model } from "./model.ts";
import type { Place } from "./place.ts";
import { Reader } from "./reader.ts";
import { outcomeWithin } from "./time.ts";

/** The machine whose output is checked. */
export interface Source {
  readonly instance: InstanceName;
  readonly machine: MachineName;
  readonly model: MachineModel;
}

/** Whether all has been read that must have been written by now, or will be. */
export function hasAll(place: Place, reader: Reader, { instance, model }: Source): boolean {
  const texts = reader.textOf("");
  const [first, last] = [linesOfRun[model.name][0], linesOfRun[model.name].at(-1)];
  // What was stopped may not have come to write.
  const isDue = model.life.run === "yes" && !model.life.wasStopped && model.livesBefore === 0;
  if (isDue && !reader.hasGap("") && texts.at(-1) !== last) return false;
  const begun = texts.filter((text) => text === first).length;
  if (isDue && !reader.hasGap("") && begun < model.runs.min) return false;
  return execIds.every((id) => {
    const isSilent = id === "keep" || id === "forever";
    return isSilent || reader.hasGap(id) || linesBegun(place, reader, instance, id) >= model.execRuns(id).min;
  });
}

/** What has been read: each run whole or cut short, and no more runs than there were. */
export function checkText(place: Place, reader: Reader, { instance, model }: Source, checks: Checks): void {
  const about = `output(${instance}, ${model.name})`;
  if (!reader.hasGap("")) {
    const runs = runsIn(reader.textOf(""), linesOfRun[model.name]);
    checks.expect("resumes", runs !== null, () => `${about} tells: ${reader.textOf("").join(", ")}`);
    checks.expect("adopts", (runs ?? 0) <= model.runs.max, () => {
      return `${about} tells that it was started ${runs} times: ${reader.textOf("").join(", ")}`;
    });
  }
  for (const id of execIds) {
    const runs = linesBegun(place, reader, instance, id);
    checks.expect("runs once", runs <= model.execRuns(id).max, () => `${about} tells that ${id} was run ${runs} times`);
  }
}

/** What is read again, from the start and from the middle of every stream, is what was read before. */
export async function checkReplay(
  place: Place,
  reader: Reader,
  { instance, machine }: Source,
  checks: Checks,
  signal: AbortSignal,
): Promise<void> {
  const readFrom = async (cursor: Record<string, number>) => {
    const again = new Reader(machine, cursor);
    await again.glance(place.infrastructure, place.instances[instance], signal);
    return again;
  };
  const whole = await readFrom({});
  const middles = [...reader.streams].map(
    ([stream, lines]) => [stream, lines.at(lines.length >> 1)?.position ?? 0] as const,
  );
  const rest = await readFrom(Object.fromEntries(middles));
  const about = `output(${instance}, ${machine})`;
  for (const [stream, lines] of reader.streams) {
    if (reader.hasGap(stream) || whole.hasGap(stream)) continue;
    const found = contentOf(whole, stream).slice(0, lines.length);
    checks.expect("resumes", isDeepStrictEqual(found, contentOf(reader, stream)), () => {
      return `${about} tells ${textIn(found)} from its start, after it told ${textIn(lines)}`;
    });
    const after = contentOf(rest, stream);
    const wanted = contentOf(reader, stream).slice((lines.length >> 1) + 1);
    checks.expect("resumes", isDeepStrictEqual(after.slice(0, wanted.length), wanted), () => {
      return `${about} tells ${textIn(after)} after "${lines.at(lines.length >> 1)?.text}", not ${textIn(wanted)}`;
    });
  }
}

/** What a process wrote that shows a file, or what is in a volume. `made`: its `exec`, which is not yet in the model. */
export async function checkFinding(
  place: Place,
  model: Model,
  { call, outcome, isDisturbed }: Case,
  timeoutMs: number,
  checks: Checks,
): Promise<void> {
  if (call.operation !== "exec" || (call.id !== "show" && call.id !== "kept")) return;
  const { id, instance, machine } = call;
  const before = model.machineOf(call);
  if (outcome.type !== "fulfilled" || isDisturbed || before.exec(id).run !== "no") return;

  const reader = place.reader(instance, machine);
  const lines = before.execRuns(id).min + 1;
  const isEnough = () => reader.hasGap(id) || reader.textOf(id).length >= lines;
  const read = await outcomeWithin(place.clock, timeoutMs, (signal) =>
    reader.follow(place.infrastructure, place.instances[instance], isEnough, signal),
  );
  if (read.type === "rejected") throw read.reason;
  checks.expect("resumes", isEnough(), () => `output(${instance}, ${machine}) does not tell what ${id} wrote`);
  if (reader.hasGap(id)) return;
  const wanted = id === "show" ? [NOTE.text] : [...model.keptIn(workspaceOf[instance])];
  const text = reader.textOf(id).at(-1) ?? "";
  checks.expect(id === "show" ? "works" : "volumes", wanted.includes(text), () => {
    return `${describeCall(call)} finds "${text}", not "${wanted.join('" or "')}"`;
  });
}

/** How often a process was begun, by its first line. */
function linesBegun(place: Place, reader: Reader, instance: InstanceName, id: ExecId): number {
  const { says } = execRole(place.programs, id, workspaceOf[instance]);
  return reader.textOf(id).filter((text) => says === null || text === says).length;
}

/** How many runs the lines are of, each from its first line on, the last ones perhaps missing; `null` if they are none. */
function runsIn(texts: readonly string[], run: readonly string[]): number | null {
  let runs = 0;
  let next = run.length;
  for (const text of texts) {
    if (text === run[0]) {
      runs += 1;
      next = 1;
    } else if (text === run[next]) next += 1;
    else return null;
  }
  return runs;
}

type Content = Omit<OutputLine, "at">;

/** Without when it was read. */
function contentOf(reader: Reader, stream: string): Content[] {
  return (reader.streams.get(stream) ?? []).map(({ at, ...content }) => content);
}

function textIn(lines: readonly Content[]): string {
  return lines.length === 0 ? "nothing" : lines.map(({ text }) => text).join(", ");
}
