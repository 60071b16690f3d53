import { describe, expect, test } from "vitest";
import type { Infrastructure } from "../../src/infrastructure/spi.ts";
import {
  checkInfrastructure,
  clauses,
  type Opened,
  type SimulatedInfrastructure,
  simulatedContractPrograms,
  simulatedInfrastructure,
  VirtualClock,
} from "../../src/testing/index.ts";
import { altered, type Mutant, mutants } from "./mutants.ts";

/** What every mutant is caught in, and in which the sound one keeps its promises. */
const budget = { programs: simulatedContractPrograms, runs: 200, seed: 20 };

const latencyMs = {
  prepare: 3,
  fetchImage: 3,
  createMachine: 3,
  startMachine: 3,
  stopMachine: 3,
  removeMachine: 3,
  exec: 3,
  put: 3,
  destroy: 3,
};

/** Opens a simulated place on a clock of its own; `alter` has its way with each infrastructure that is opened there. */
async function openSimulated(alter: (sound: SimulatedInfrastructure) => Infrastructure): Promise<Required<Opened>> {
  const clock = new VirtualClock();
  let sound = simulatedInfrastructure({ clock, latencyMs });
  const reopen = async () => {
    sound = sound.reopen();
    return alter(sound);
  };
  return {
    infrastructure: alter(sound),
    reopen,
    kill: reopen,
    leftovers: async () => [],
    clock,
    close: async () => {},
  };
}

async function openSound(): Promise<Required<Opened>> {
  return openSimulated((sound) => sound);
}

async function openMutant({ alter }: Mutant): Promise<Opened> {
  const mutation = alter();
  return openSimulated((sound) => altered(sound, mutation(sound)));
}

function mutantThat(how: string): Mutant {
  const found = mutants.find((mutant) => mutant.how === how);
  if (found === undefined) throw new Error(`Cannot find a mutant that ${how}`);
  return found;
}

describe("checkInfrastructure()", () => {
  test("finds no fault with a sound infrastructure, and puts every clause to the test", async () => {
    const { message, violation } = await checkInfrastructure(openSound, budget);

    expect(message).toMatch(/^Infrastructure "simulated" kept every promise \(200 sequences, \d+ calls, seed 20\)$/);
    expect(violation).toBeNull();
  });

  test("finds no fault where operations go on after they were let go of", async () => {
    const operations = Object.keys(latencyMs) as (keyof typeof latencyMs)[];
    const openLate = () =>
      openSimulated((sound) => {
        const always = { onAbort: "late", delayMs: 10, times: Number.POSITIVE_INFINITY } as const;
        for (const operation of operations) sound.inject({ operation, ...always });
        return sound;
      });

    const { violation } = await checkInfrastructure(openLate, budget);

    expect(violation).toBeNull();
  });

  test.each(mutants)("catches one that breaks $breaks: it $how", async (mutant) => {
    const { violation, message } = await checkInfrastructure(() => openMutant(mutant), budget);

    expect(violation?.clause, message).toBe(mutant.breaks);
  });

  test("has a mutant for every clause", () => {
    expect(new Set(mutants.map(({ breaks }) => breaks))).toEqual(new Set(Object.keys(clauses)));
  });

  test("tells the shortest sequence of calls that shows it", async () => {
    const mutant = mutantThat("ends its machines when it is closed");

    const { message } = await checkInfrastructure(() => openMutant(mutant), budget);

    expect(message.split("\n")).toEqual([
      'Infrastructure "simulated" breaks a promise (sequence 12, seed 20):',
      `  recovers: ${clauses.recovers}`,
      "  prepare(A); createMachine(A, counter); startMachine(A, counter); reopen(); observe(A) shows machine counter as exited, not as running",
    ]);
  });

  test("finds the same by the same seed, and something else by another one", async () => {
    const mutant = mutantThat("rejects with a reason of its own");
    const explore = (seed: number) => checkInfrastructure(() => openMutant(mutant), { ...budget, seed });

    const [first, again, other] = [await explore(1), await explore(1), await explore(2)];

    expect(again).toEqual(first);
    expect(other.violation?.run).not.toBe(first.violation?.run);
  });

  test("only lists what breaks a clause that is not asked for", async () => {
    const mutant = mutantThat("removes them with the instance");

    const report = await checkInfrastructure(() => openMutant(mutant), { ...budget, clauses: ["stops"] });

    expect(report).toMatchObject({ violation: null, overlooked: ["volumes"] });
    expect(report.message).toMatch(/^ {2}broken, but not asked for: volumes$/m);
  });

  test("is told what a place leaves behind that it does not show", async () => {
    const openLeaky = async (): Promise<Opened> => ({ ...(await openSound()), leftovers: async () => ["process 7"] });

    const { violation } = await checkInfrastructure(openLeaky, budget);

    expect(violation).toMatchObject({ clause: "leaves nothing", finding: "process 7 is left of A" });
  });

  test("says what could not be put to the test", async () => {
    const openOnce = async (): Promise<Opened> => {
      const { infrastructure, clock, close } = await openSound();
      return { infrastructure, clock, close };
    };

    const { message } = await checkInfrastructure(openOnce, budget);

    expect(message).toMatch(/^ {2}not put to the test: recovers$/m);
  });

  test("rejects when no place can be opened", async () => {
    const open = async (): Promise<Opened> => {
      throw new Error("No place");
    };

    await expect(checkInfrastructure(open, budget)).rejects.toThrow("No place");
  });
});
