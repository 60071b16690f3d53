import { describe, expect, test } from "vitest";
import { fromPromise } from "xstate";
import type { DeadlineInput } from "../../machines/port.ts";
import { mayRestart } from "../../machines/restart.ts";
import type { Infrastructure, MachineFact } from "../../src/infrastructure/spi.ts";
import type { Journal, Turn } from "../../src/journal/spi.ts";
import { explore } from "../../src/testing/explore/explore.ts";
import { playedMachine } from "../../src/testing/explore/machine-run.ts";
import type { Invariant } from "../../src/testing/explore/oracles.ts";
import { runScript } from "../../src/testing/explore/run-script.ts";
import { machineScripts, supervisorScripts } from "../../src/testing/explore/scripts.ts";
import type { RunOptions } from "../../src/testing/explore/supervisor-run.ts";

type Spoil = NonNullable<RunOptions["spoil"]>;

/** Runs in which a bug has to be found. Each was found in less than a tenth of it, with every seed that was tried. */
const RUNS = 3_000;

/** What is found need not be small here. */
const SHRINK_MS = 1_000;

const SEED = 4;

interface Bug {
  readonly name: string;
  readonly spoil: Spoil;
  /** Which may notice it first. */
  readonly breaks: readonly Invariant[];
  readonly subject: "supervisor" | "machine";
}

const bugs: readonly Bug[] = [
  {
    name: "a deadline that is missing",
    subject: "machine",
    spoil: { machine: playedMachine.provide({ actors: { deadline: fromPromise<never, DeadlineInput>(() => never) } }) },
    breaks: [1, 2],
  },
  {
    name: "a machine that is restarted once too often",
    subject: "machine",
    spoil: { machine: restartingAt((restarts) => restarts + 1) },
    breaks: [2],
  },
  {
    name: "a machine that is restarted once too seldom",
    subject: "machine",
    spoil: { machine: restartingAt((restarts) => restarts - 1) },
    breaks: [2],
  },
  {
    name: "a machine that was created late and is not undone",
    subject: "supervisor",
    spoil: { infrastructure: (real) => overridden(real, { identities: () => Promise.resolve([]) }) },
    breaks: [3],
  },
  {
    name: "events that are published again after a crash",
    subject: "supervisor",
    spoil: { journal: publishingAgain },
    breaks: [4],
  },
  {
    name: "an intent to run that is lost",
    subject: "supervisor",
    spoil: { journal: (journal) => overridden(journal, { createInstance: () => {} }) },
    breaks: [4, 5],
  },
  {
    name: "an intent to stop that is lost",
    subject: "supervisor",
    spoil: {
      journal: (journal) =>
        overridden(journal, { intend: () => {}, append: (turn) => journal.append(withoutIntents(turn)) }),
    },
    breaks: [4],
  },
  {
    name: "a report about an old machine that is believed",
    subject: "supervisor",
    spoil: { infrastructure: (real, place) => overridden(real, { watch: () => exitsOf(place) }) },
    breaks: [6],
  },
  {
    name: "events that some subscribers are not told",
    subject: "supervisor",
    spoil: { journal: (journal) => overridden(journal, { append: (turn) => journal.append(turn).slice(1) }) },
    breaks: [4, 7],
  },
  {
    name: "a failure that does not say why",
    subject: "supervisor",
    spoil: { journal: (journal) => overridden(journal, { append: (turn) => journal.append(withoutReasons(turn)) }) },
    breaks: [8],
  },
];

describe("the oracles notice", () => {
  test.each(bugs)("$name", async ({ spoil, breaks, subject }) => {
    const scripts = subject === "machine" ? machineScripts : supervisorScripts;

    const { counterexample } = await explore({ runs: RUNS, seed: SEED, scripts, spoil, shrinkWithinMs: SHRINK_MS });

    expect(breaks).toContain(counterexample?.violation.invariant);
  });

  test.each(bugs.slice(0, 2))("$name, in a script that is replayed from its text", async ({ spoil, subject }) => {
    const scripts = subject === "machine" ? machineScripts : supervisorScripts;
    const { counterexample } = await explore({ runs: RUNS, seed: SEED, scripts, spoil, shrinkWithinMs: SHRINK_MS });
    const script = JSON.parse(JSON.stringify(counterexample?.script));

    const spoilt = await runScript(script, undefined, { spoil });
    const sound = await runScript(script);

    expect(spoilt.violation?.invariant).toBe(counterexample?.violation.invariant);
    expect(sound.violation).toBeNull();
  });
});

const never = new Promise<never>(() => {});

/** Decides about restarts as if their number were another. */
function restartingAt(count: (maxRestarts: number) => number): typeof playedMachine {
  return playedMachine.provide({
    guards: {
      mayRestart: ({ context: { plan, crashes, everReady, failure } }) =>
        (everReady || crashes.length > 0) &&
        mayRestart({ ...plan.restart, maxRestarts: count(plan.restart.maxRestarts) }, crashes, failure?.at ?? 0),
    },
  });
}

/** The first turn that a process commits is told together with the one before it. */
function publishingAgain(journal: Journal): Journal {
  let isFirst = true;
  return overridden(journal, {
    append: (turn) => {
      const { last } = journal.bounds();
      const told = journal.append(turn);
      const again = isFirst ? journal.events({ after: last - 1, limit: 1 }) : [];
      isFirst = false;
      return [...again, ...told];
    },
  });
}

function withoutIntents({ instances, ...rest }: Turn): Turn {
  return { ...rest, instances: instances.map(({ desired: _, ...change }) => change) };
}

function withoutReasons({ events, ...rest }: Turn): Turn {
  return { ...rest, events: events.map((event) => ({ ...event, failure: null })) };
}

/** Tells the exits of all machines, whoever asks. */
async function* exitsOf({ exits }: Parameters<NonNullable<Spoil["infrastructure"]>>[1]): AsyncGenerator<MachineFact> {
  for (const { exit } of exits) yield { type: "exited", exit };
  await never;
}

/** The same object, some of whose methods are others. */
function overridden<Of extends Infrastructure | Journal>(real: Of, methods: Partial<Of>): Of {
  return new Proxy(real, {
    get(target, name) {
      if (Object.hasOwn(methods, name)) return Reflect.get(methods, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
