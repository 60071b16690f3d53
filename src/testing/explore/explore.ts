import fc from "fast-check";
import { Coverage } from "./coverage.ts";
import type { Violation } from "./oracles.ts";
import { runScript } from "./run-script.ts";
import type { Script } from "./script.ts";
import { supervisorScripts } from "./scripts.ts";
import type { RunOptions } from "./supervisor-run.ts";

export interface ExploreOptions extends RunOptions {
  /** How many scripts at most. */
  readonly runs: number;
  readonly seed: number;
  /** At most this long, in milliseconds; default: until all runs are done. */
  readonly withinMs?: number;
  /** Default: {@link supervisorScripts}. */
  readonly scripts?: fc.Arbitrary<Script>;
  /** Told after each batch. */
  readonly onProgress?: (exploration: Exploration) => void;
}

/** A script that breaks an invariant, shrunk. */
export interface Counterexample {
  readonly script: Script;
  readonly violation: Violation;
  /** How often it was made smaller. */
  readonly shrinks: number;
}

export interface Exploration {
  readonly runs: number;
  readonly elapsedMs: number;
  readonly coverage: Coverage;
  readonly counterexample: Counterexample | null;
}

/** Scripts of one batch; they grow from small to large in each. */
const BATCH = 500;

/** A script that fails shrinks for at most this long. */
const SHRINK_MS = 60_000;

/** Runs random scripts until one breaks an invariant, and shrinks that one. The same seed runs the same scripts. */
export async function explore({
  runs,
  seed,
  withinMs,
  scripts,
  onProgress,
  ...run
}: ExploreOptions): Promise<Exploration> {
  const begun = performance.now();
  const coverage = new Coverage();
  let done = 0;
  let counterexample: Counterexample | null = null;
  const isOver = () =>
    counterexample !== null || done >= runs || (withinMs !== undefined && performance.now() - begun >= withinMs);
  for (let batch = 0; !isOver(); batch += 1) {
    const leftMs = withinMs === undefined ? undefined : withinMs - (performance.now() - begun);
    const result = await runBatch(
      scripts ?? supervisorScripts,
      Math.min(BATCH, runs - done),
      seedOf(seed, batch),
      leftMs,
      coverage,
      run,
    );
    done += result.runs;
    counterexample = result.counterexample;
    onProgress?.({ runs: done, elapsedMs: performance.now() - begun, coverage, counterexample });
    if (result.runs === 0) break;
  }
  return { runs: done, elapsedMs: performance.now() - begun, coverage, counterexample };
}

async function runBatch(
  scripts: fc.Arbitrary<Script>,
  numRuns: number,
  seed: number,
  withinMs: number | undefined,
  coverage: Coverage,
  run: RunOptions,
): Promise<{ readonly runs: number; readonly counterexample: Counterexample | null }> {
  let violation: Violation | null = null;
  const property = fc.asyncProperty(scripts, async (script) => {
    const result = await runScript(script, undefined, run);
    if (result.moment !== null) coverage.add(result.moment);
    if (result.violation === null) return true;
    // The last one that fails is the smallest.
    if (violation !== null && violation.invariant !== result.violation.invariant) return true;
    violation = result.violation;
    return false;
  });
  const details = await fc.check(property, {
    numRuns,
    seed,
    interruptAfterTimeLimit: withinMs === undefined ? SHRINK_MS * 60 : withinMs + SHRINK_MS,
    ...(withinMs === undefined ? {} : { skipAllAfterTimeLimit: withinMs }),
    markInterruptAsFailure: false,
    maxSkipsPerRun: numRuns,
  });
  if (details.failed && violation === null) throw details.errorInstance;
  const [script] = details.counterexample ?? [];
  if (script === undefined || violation === null) return { runs: details.numRuns, counterexample: null };
  return { runs: details.numRuns, counterexample: { script, violation, shrinks: details.numShrinks } };
}

/** Far from the seeds of other batches and of neighbouring seeds, whose random numbers are alike at first. */
function seedOf(seed: number, batch: number): number {
  return Math.imul(seed ^ Math.imul(batch + 1, 0x85eb_ca6b), 0x9e37_79b1);
}
