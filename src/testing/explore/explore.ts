import fc from "fast-check";
import { Coverage } from "./coverage.ts";
import type { Violation } from "./oracles.ts";
import { runScript } from "./run-script.ts";
import type { Script } from "./script.ts";
import { scripts as allScripts } from "./scripts.ts";
import type { RunOptions } from "./supervisor-run.ts";

export interface ExploreOptions extends RunOptions {
  /** How many scripts at most. */
  readonly runs: number;
  readonly seed: number;
  /** At most this long, in milliseconds; default: until all runs are done. */
  readonly withinMs?: number;
  /** How long a script that fails may be made smaller, in milliseconds; default: a minute. */
  readonly shrinkWithinMs?: number;
  /** Default: {@link allScripts}. */
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
const BATCH = 200;

const SHRINK_MS = 60_000;

/** Runs random scripts until one breaks an invariant, and shrinks that one. The same seed runs the same scripts. */
export async function explore({
  runs,
  seed,
  withinMs = Number.POSITIVE_INFINITY,
  ...rest
}: ExploreOptions): Promise<Exploration> {
  const begun = performance.now();
  const isOver = (): boolean => performance.now() - begun >= withinMs;
  const coverage = new Coverage();
  const sofar = (done: number, counterexample: Counterexample | null): Exploration => ({
    runs: done,
    elapsedMs: performance.now() - begun,
    coverage,
    counterexample,
  });
  let result = sofar(0, null);
  for (let batch = 0; result.runs < runs && result.counterexample === null && !isOver(); batch += 1) {
    const count = Math.min(BATCH, runs - result.runs);
    const next = await runBatch(count, seedOf(seed, batch), isOver, coverage, rest);
    result = sofar(result.runs + next.runs, next.counterexample);
    rest.onProgress?.(result);
  }
  return result;
}

/** @param isOver asked before each script: the rest is left out */
async function runBatch(
  numRuns: number,
  seed: number,
  isOver: () => boolean,
  coverage: Coverage,
  { scripts = allScripts, shrinkWithinMs = SHRINK_MS, ...run }: Omit<ExploreOptions, "runs" | "seed">,
): Promise<{ readonly runs: number; readonly counterexample: Counterexample | null }> {
  const search: { runs: number; found: { readonly violation: Violation; readonly at: number } | null } = {
    runs: 0,
    found: null,
  };
  const property = fc.asyncProperty(scripts, async (script) => {
    const { found } = search;
    // Nothing else fails any more, so the search for something smaller ends.
    if (found === null ? isOver() : performance.now() - found.at >= shrinkWithinMs) return true;
    if (found === null) search.runs += 1;
    const { violation, moment } = await runScript(script, undefined, run);
    if (moment !== null) coverage.add(moment);
    // What breaks something else is another story.
    if (violation === null || (found !== null && found.violation.invariant !== violation.invariant)) return true;
    search.found = { violation, at: found?.at ?? performance.now() };
    return false;
  });
  const details = await fc.check(property, { numRuns, seed });
  const [script] = details.counterexample ?? [];
  const { runs, found } = search;
  if (script !== undefined && found !== null) {
    return { runs, counterexample: { script, violation: found.violation, shrinks: details.numShrinks } };
  }
  if (details.failed) throw details.errorInstance;
  return { runs, counterexample: null };
}

/** Far from the seeds of other batches and of neighbouring seeds, whose random numbers are alike at first. */
function seedOf(seed: number, batch: number): number {
  return Math.imul(seed ^ Math.imul(batch + 1, 0x85eb_ca6b), 0x9e37_79b1);
}
