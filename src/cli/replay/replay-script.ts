import { TroupeError } from "../../errors.ts";
import { runScript, type StepReport } from "../../testing/explore/run-script.ts";
import { describeStep, parseScript } from "../../testing/explore/script.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { Line } from "../terminal.ts";
import { transitionLines } from "../transition.ts";
import { treeLines } from "../tree.ts";
import { browse, canBrowse } from "./browse.ts";

/** One step of the script, and what came of it. */
interface Frame {
  readonly happening: readonly Line[];
  readonly picture: readonly Line[];
}

/** Runs a script on simulated machines, and shows what each step came to. It is the same every time. */
export async function replayScript(context: Context, text: string, whatIf: unknown): Promise<ExitCode> {
  if (whatIf !== undefined) {
    throw new TroupeError("REQUEST_INVALID", "Cannot fork a script: --what-if is for incidents; change its steps");
  }
  const { terminal, isJson } = context;
  const isBrowsed = !isJson && canBrowse(context);
  const frames: Frame[] = [];
  const { violation } = await runScript(parseScript(text), async (report) => {
    if (isBrowsed) frames.push(frameOf(report));
    else if (isJson) terminal.json(documentOf(report));
    else for (const line of frameOf(report).happening) terminal.print(line);
    await terminal.drained();
  });
  if (isBrowsed) await browse(context, { count: frames.length, ...accessTo(frames) });
  if (violation === null) return exitCodes.ok;
  terminal.tell([{ text: `Invariant ${violation.invariant} does not hold: `, style: "red" }, violation.message]);
  return exitCodes.failed;
}

function accessTo(frames: readonly Frame[]) {
  return {
    happening: (index: number) => frames[index]?.happening ?? [],
    picture: (index: number) => frames[index]?.picture ?? [],
  };
}

function documentOf({ index, step, moment, violation }: StepReport): object {
  const { now, views, events, fresh } = moment;
  return { number: numberOf(index), step, at: now, events: events.slice(fresh), views, violation };
}

function frameOf({ index, step, moment, violation }: StepReport): Frame {
  const { now, views, events, fresh } = moment;
  const title = step === null ? "the ending" : describeStep(step);
  const broken: Line[] =
    violation === null
      ? []
      : [[{ text: `       ✗ invariant ${violation.invariant}: ${violation.message}`, style: "red" }]];
  return {
    happening: [
      [
        { text: `${String(numberOf(index) ?? "").padStart(5)}  `, style: "dim" },
        { text: title, style: "bold" },
      ],
      ...events.slice(fresh).flatMap((event) => transitionLines(event).map((line): Line => ["       ", ...line])),
      ...broken,
    ],
    picture: views.flatMap((view) => treeLines(view, now)),
  };
}

/** Steps are counted from 1. */
function numberOf(index: number | null): number | null {
  return index === null ? null : index + 1;
}
