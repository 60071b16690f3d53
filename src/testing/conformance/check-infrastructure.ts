import { type ContractPrograms, shellPrograms } from "../contract/programs.ts";
import { BrokenClause } from "./broken-clause.ts";
import { describeSteps, type Step } from "./call.ts";
import { Checks } from "./checks.ts";
import { type Clause, clauses } from "./clauses.ts";
import { generate } from "./generate.ts";
import type { Opened } from "./opened.ts";
import { Random } from "./random.ts";
import { shrink } from "./shrink.ts";
import { stories, variations } from "./stories.ts";
import { Trial } from "./trial.ts";

export interface ConformanceOptions {
  /** What the machines run; default {@link shellPrograms}. */
  readonly programs?: ContractPrograms;
  /** Sequences of calls; default 100. The first ones tell a story each, the rest are systematic and random by turns. */
  readonly runs?: number;
  /** The same seed explores the same sequences. Default: another one each time; the report tells it. */
  readonly seed?: number;
  /** How long one call may take before it counts as hanging, in milliseconds; default 10,000. */
  readonly timeoutMs?: number;
  /** Clauses to check; default all. What breaks another one ends its sequence, and is only listed. */
  readonly clauses?: readonly Clause[];
}

/** A promise that was broken, and the shortest sequence of calls found that shows it. */
export interface ConformanceViolation {
  readonly clause: Clause;
  /** `prepare(A); createMachine(A, counter); destroy(A)`. */
  readonly calls: string;
  /** `observe(A) shows machine counter as created, not as absent`. */
  readonly finding: string;
  /** Which of the sequences broke it first, from 1. */
  readonly run: number;
}

export interface ConformanceReport {
  readonly infrastructure: string;
  readonly seed: number;
  /** Sequences that were explored. Exploring ends with the first that breaks a promise. */
  readonly runs: number;
  readonly calls: number;
  /** How often each clause was put to the test; one that never was is not shown to hold. */
  readonly checks: Readonly<Record<Clause, number>>;
  readonly violation: ConformanceViolation | null;
  /** Clauses that were broken and not asked for. */
  readonly overlooked: readonly Clause[];
  /** All of it for people, in some lines. */
  readonly message: string;
}

/** Shrinking ends after so many attempts, or so long (in milliseconds): real machines take their time. */
const MAX_SHRINK_ATTEMPTS = 300;
const MAX_SHRINK_MS = 60_000;

/**
 * Explores whether an infrastructure keeps its contract (`src/infrastructure/spi.ts`).
 *
 * It makes sequences of calls: systematic and random ones, with aborts, repetitions, concurrent calls, other instances
 * and restarts of the supervisor at any moment; and holds what comes back against what must be. A sequence that breaks a promise
 * is shrunk to the shortest that still does. It needs no test runner.
 *
 * `open` is called for each sequence, with a place of its own.
 *
 * @example
 * const report = await checkInfrastructure(async () => ({ infrastructure: mine(), close: async () => {} }));
 * if (report.violation !== null) throw new Error(report.message);
 */
export async function checkInfrastructure(
  open: () => Promise<Opened>,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  return new Exploration(open, options).explore();
}

class Exploration {
  readonly #open: () => Promise<Opened>;
  readonly #programs: ContractPrograms;
  readonly #runs: number;
  readonly #seed: number;
  readonly #timeoutMs: number;
  readonly #clauses: ReadonlySet<Clause>;
  readonly #checks = new Checks();
  readonly #overlooked = new Set<Clause>();
  #name = "";
  #calls = 0;

  constructor(open: () => Promise<Opened>, options: ConformanceOptions) {
    this.#open = open;
    this.#programs = options.programs ?? shellPrograms;
    this.#runs = options.runs ?? 100;
    this.#seed = options.seed ?? Math.floor(Math.random() * 2 ** 31);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#clauses = new Set(options.clauses ?? (Object.keys(clauses) as Clause[]));
  }

  async explore(): Promise<ConformanceReport> {
    const sequences = sequencesOf(new Random(this.#seed));
    for (let run = 1; run <= this.#runs; run += 1) {
      const broken = await this.#try(sequences.next().value);
      if (broken !== null) return this.#report(run, await this.#shortest(broken, run));
    }
    return this.#report(this.#runs, null);
  }

  /** What it broke, and what had been made of the sequence then. */
  async #try(steps: readonly Step[], checks = this.#checks): Promise<Broken | null> {
    const opened = await this.#open();
    this.#name = opened.infrastructure.name;
    const trial = new Trial(opened, { programs: this.#programs, timeoutMs: this.#timeoutMs, checks });
    const work = trial.run(steps);
    try {
      await inItsTime(work, opened);
      return null;
    } catch (error) {
      if (!(error instanceof BrokenClause)) throw error;
      if (this.#clauses.has(error.clause)) return { error, steps: trial.made };
      this.#overlooked.add(error.clause);
      return null;
    } finally {
      this.#calls += trial.made.flat().length;
    }
  }

  async #shortest(first: Broken, run: number): Promise<ConformanceViolation> {
    let shortest = first;
    let attempts = 0;
    const beganAt = performance.now();
    const fails = async (candidate: readonly Step[]) => {
      attempts += 1;
      const broken = await this.#try(candidate, new Checks());
      if (broken === null) return null;
      shortest = broken;
      return broken.steps;
    };
    const isOver = () => attempts >= MAX_SHRINK_ATTEMPTS || performance.now() - beganAt > MAX_SHRINK_MS;
    await shrink(first.steps, fails, isOver);
    const { error, steps } = shortest;
    return { clause: error.clause, calls: describeSteps(steps), finding: error.message, run };
  }

  #report(runs: number, violation: ConformanceViolation | null): ConformanceReport {
    const report = {
      infrastructure: this.#name,
      seed: this.#seed,
      runs,
      calls: this.#calls,
      checks: this.#checks.counts,
      violation,
      overlooked: [...this.#overlooked],
    };
    return { ...report, message: messageOf(report) };
  }
}

interface Broken {
  readonly error: BrokenClause;
  readonly steps: readonly Step[];
}

/** Without an end. */
function* sequencesOf(random: Random): Generator<readonly Step[], never> {
  yield* stories;
  for (const variation of random.shuffled(variations)) {
    yield variation;
    yield generate(random);
  }
  for (;;) yield generate(random);
}

/** Waits for `work`; where time is virtual, it passes meanwhile. */
async function inItsTime(work: Promise<void>, { clock }: Opened): Promise<void> {
  if (clock !== undefined) {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    work.then(settle, settle);
    await clock.runUntil(() => isSettled);
  }
  await work;
}

function messageOf({
  infrastructure,
  seed,
  runs,
  calls,
  checks,
  violation,
  overlooked,
}: Omit<ConformanceReport, "message">): string {
  if (violation !== null) {
    return [
      `Infrastructure "${infrastructure}" breaks a promise (sequence ${violation.run}, seed ${seed}):`,
      `  ${violation.clause}: ${clauses[violation.clause]}`,
      `  ${sentence(violation)}`,
    ].join("\n");
  }
  const untested = Object.entries(checks).flatMap(([clause, count]) => (count === 0 ? [clause] : []));
  const kept = overlooked.length === 0 ? "kept every promise" : "kept every promise that was asked for";
  return [
    `Infrastructure "${infrastructure}" ${kept} (${runs} sequences, ${calls} calls, seed ${seed})`,
    ...(overlooked.length === 0 ? [] : [`  broken, but not asked for: ${overlooked.join(", ")}`]),
    ...(untested.length === 0 ? [] : [`  not put to the test: ${untested.join(", ")}`]),
  ].join("\n");
}

/** The calls and what was found; the last call is not told twice. */
function sentence({ calls, finding }: ConformanceViolation): string {
  const last = calls.split("; ").at(-1) ?? "";
  return finding.startsWith(last) ? `${calls}${finding.slice(last.length)}` : `${calls}; ${finding}`;
}
