import { MachineRun } from "./machine-run.ts";
import type { Moment } from "./moment.ts";
import { judge, type Violation } from "./oracles.ts";
import type { Script, Step } from "./script.ts";
import { type RunOptions, SupervisorRun } from "./supervisor-run.ts";

/** What one step came to. */
export interface StepReport {
  /** From 0; `null` for the ending, which follows the last step. */
  readonly index: number | null;
  readonly step: Step | null;
  /** All that there is to see after it. */
  readonly moment: Moment;
  readonly violation: Violation | null;
}

export interface ScriptResult {
  /** The first that was found; the script ends there. */
  readonly violation: Violation | null;
  readonly moment: Moment | null;
}

/**
 * Runs a script, and judges after every step. It is the same every time.
 *
 * @param onStep told after each step; what it returns is waited for
 */
export async function runScript(
  script: Script,
  onStep: (report: StepReport) => void | Promise<void> = () => {},
  options: RunOptions = {},
): Promise<ScriptResult> {
  const run = await open(script, options);
  let last: Moment | null = null;
  try {
    for (const index of [...script.steps.keys(), null]) {
      const step = index === null ? null : (script.steps[index] ?? null);
      const { moment, violation } = await judged(() => (step === null ? run.end() : run.step(step)), last);
      last = moment;
      if (moment !== null) await onStep({ index, step, moment, violation });
      if (violation !== null) return { violation, moment };
    }
    return { violation: null, moment: last };
  } finally {
    await run.close();
  }
}

/** What nobody expects to be thrown is a failure that does not say why. */
async function judged(
  work: () => Promise<Moment>,
  before: Moment | null,
): Promise<{ readonly moment: Moment | null; readonly violation: Violation | null }> {
  try {
    const moment = await work();
    return { moment, violation: judge(moment) };
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { moment: before, violation: { invariant: 8, message } };
  }
}

/** Something that goes through a script. */
interface Run<OneStep> {
  step(step: OneStep): Promise<Moment>;
  end(): Promise<Moment>;
  close(): Promise<void>;
}

async function open(script: Script, options: RunOptions): Promise<Run<Step>> {
  const { config } = script;
  const run =
    config.subject === "machine"
      ? new MachineRun({ ...script, config }, options.spoil?.machine)
      : await SupervisorRun.open({ ...script, config }, options);
  return run as Run<Step>; // a script's steps are of its subject
}
