/**
 * A campaign: random stories about workspaces until one breaks an invariant, or until the charts are covered.
 *
 *     npm run explore -- [--runs 100000] [--seed 1] [--minutes 10] [--measure]
 *
 * Prints progress and coverage. A story that fails is made smaller, written to a file, and replayed by `troupe replay FILE`;
 * the exit code is 1 then, and 2 if a transition was not covered that can be reached.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Exploration, explore, lifecycles, unreachable } from "troupe/testing/explore";
import { printMachine, round } from "./measure.ts";

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    minutes: { type: "string" },
    measure: { type: "boolean", default: false },
  },
});

/** Fewer runs cannot be expected to come everywhere. */
const RUNS_TO_COVER_ALL = 20_000;

if (flags.measure) await measure();
else process.exitCode = await campaign();

async function campaign(): Promise<number> {
  const seed = Number(flags.seed);
  const withinMs = flags.minutes === undefined ? undefined : Number(flags.minutes) * 60_000;
  console.log(`seed ${seed}`);
  const limits = { runs: Number(flags.runs), ...(withinMs === undefined ? {} : { withinMs }) };
  const exploration = await explore({ ...limits, seed, onProgress: everySoOften(progress) });

  progress(exploration);
  const { counterexample } = exploration;
  if (counterexample !== null) {
    const file = `troupe-script-${seed}.json`;
    writeFileSync(file, `${JSON.stringify(counterexample.script, null, 2)}\n`);
    console.log(`invariant ${counterexample.violation.invariant} is broken: ${counterexample.violation.message}`);
    console.log(`troupe replay ${file}`);
    return 1;
  }
  return printCoverage(exploration);
}

/** @returns the exit code */
function printCoverage({ coverage, runs }: Exploration): number {
  console.table(Object.fromEntries([...coverage.faults].sort().map(([kind, times]) => [kind, { times }])));
  const missing = coverage.missing.filter((name) => !unreachable.has(name));
  for (const name of missing) console.log(`not covered: ${name}`);
  const surprising = [...unreachable.keys()].filter((name) => coverage.transitions.has(name));
  for (const name of surprising) console.log(`was said to be out of reach, and was covered: ${name}`);
  return (missing.length > 0 && runs >= RUNS_TO_COVER_ALL) || surprising.length > 0 ? 2 : 0;
}

function progress({ runs, elapsedMs, coverage }: Exploration): void {
  const covered = `${coverage.transitions.size} of ${coverage.all.size - unreachable.size} transitions`;
  const states = new Set([...coverage.transitions.keys()].map((name) => name.replace(/: .* → /, ": "))).size;
  const rate = round((runs / elapsedMs) * 1_000);
  console.log(
    `${runs} runs, ${rate} per second, ${covered}, ${states} states, ${coverage.faults.size} kinds of faults`,
  );
}

/** How many plain lives there are in a second of one processor. */
async function measure(): Promise<void> {
  printMachine();
  const rows: Record<string, object> = {};
  for (const [name, live] of Object.entries(lifecycles)) {
    await repeat(live, 2_000); // warms up
    const { count, cpuMs, wallMs } = await repeat(live, 5_000);
    rows[name] = {
      lives: count,
      "per second of CPU": round((count / cpuMs) * 1_000),
      "per second": round((count / wallMs) * 1_000),
    };
  }
  console.table(rows);
}

async function repeat(
  live: () => Promise<void>,
  ms: number,
): Promise<{ count: number; cpuMs: number; wallMs: number }> {
  const begun = performance.now();
  const cpu = process.cpuUsage();
  let count = 0;
  for (; performance.now() - begun < ms; count += 1) await live();
  const { user, system } = process.cpuUsage(cpu);
  return { count, cpuMs: (user + system) / 1_000, wallMs: performance.now() - begun };
}

function everySoOften<Value>(tell: (value: Value) => void): (value: Value) => void {
  let last = performance.now();
  return (value) => {
    if (performance.now() - last < 5_000) return;
    last = performance.now();
    tell(value);
  };
}
