import { describe, expect, test } from "vitest";
import type { SimulatedProgram } from "../../src/infrastructure/simulated/index.ts";
import { Laboratory } from "../../src/testing/laboratory.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { workspaceOf } from "../../src/testing/workspace-of.ts";

const HOUR_MS = 60 * 60_000;
const BUDGET_MS = 20_000;

/** A clock that somebody sets. Its timers count time that passes, as the system's do: they do not notice. */
class SetClock extends VirtualClock {
  #offsetMs = 0;

  override now(): number {
    return super.now() + this.#offsetMs;
  }

  jump(ms: number): void {
    this.#offsetMs += ms;
  }
}

/** From the command until it is done, in steps that cut through every operation. */
const moments = Array.from({ length: 12 }, (_, step) => step * 130);
const jumps = [HOUR_MS, -HOUR_MS];
const cases = jumps.flatMap((jumpMs) => moments.map((ms) => [jumpMs / HOUR_MS, ms, jumpMs] as const));

const latencyMs = {
  prepare: 100,
  fetchImage: 100,
  createMachine: 100,
  startMachine: 100,
  exec: 300,
  stopMachine: 100,
  removeMachine: 100,
  destroy: 100,
};

/** Its server never answers. */
const deaf: SimulatedProgram = (process) => {
  process.serve("http", false);
  return process.forever();
};

async function open() {
  const clock = new SetClock(1_000 * HOUR_MS);
  const laboratory = await Laboratory.open({ clock, latencyMs, programs: { deaf } });
  const installers = [{ id: "tools", version: "1.0.0", script: "true" }];
  laboratory.supervisor.create(workspaceOf("shop", { web: { installers, servers: { http: { port: "auto" } } } }));
  return { clock, laboratory, supervisor: () => laboratory.supervisor };
}

/** Every instance's events, and that each is there once, in order. */
function expectWhole(laboratory: Laboratory): void {
  const events = laboratory.supervisor.events("shop", { limit: 1_000 }).filter(({ instanceId }) => instanceId !== null);
  for (const instance of new Set(events.map(({ instanceId }) => instanceId))) {
    const sequences = events.flatMap(({ instanceId, sequence }) => (instanceId === instance ? [sequence] : []));
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
  }
  expect(events.filter(({ failure }) => failure !== null)).toEqual([]);
}

describe("a clock that is set", () => {
  test.each(cases)("by %i h, %i ms into a start, does not disturb it", async (_, ms, jumpMs) => {
    const { clock, laboratory, supervisor } = await open();
    supervisor().start("shop");
    await clock.advanceAsync(ms);

    clock.jump(jumpMs);

    await laboratory.until("shop", ({ state }) => state === "running.steady", BUDGET_MS);
    supervisor().stop("shop");
    await laboratory.until("shop", ({ status }) => status === "STOPPED", BUDGET_MS);
    expectWhole(laboratory);
    expect(laboratory.left).toEqual([]);
  });

  test.each(cases)("by %i h, %i ms into a stop, does not disturb it", async (_, ms, jumpMs) => {
    const { clock, laboratory, supervisor } = await open();
    supervisor().start("shop");
    await laboratory.until("shop", ({ state }) => state === "running.steady");
    supervisor().stop("shop");
    await clock.advanceAsync(ms);

    clock.jump(jumpMs);

    await laboratory.until("shop", ({ status }) => status === "STOPPED", BUDGET_MS);
    expectWhole(laboratory);
    expect(laboratory.left).toEqual([]);
  });

  test.each(jumps)("by %i ms while the supervisor is down leaves what is ready as it is", async (jumpMs) => {
    const { clock, laboratory, supervisor } = await open();
    supervisor().start("shop");
    const { instanceId } = await laboratory.until("shop", ({ state }) => state === "running.steady");
    laboratory.kill();

    clock.jump(jumpMs);
    await laboratory.boot();

    const recovered = await laboratory.until("shop", ({ state }) => state === "running.steady", BUDGET_MS);
    expect(recovered).toMatchObject({ instanceId, failure: null, machines: { web: { restarts: 0 } } });
    expectWhole(laboratory);
  });

  test("forward while the supervisor is down uses up the budgets that ran: a start fails, clears up, and may be repeated", async () => {
    const { clock, laboratory, supervisor } = await open();
    supervisor().start("shop");
    await clock.advanceAsync(450); // its machine boots
    laboratory.kill();

    clock.jump(HOUR_MS);
    await laboratory.boot();

    const failed = await laboratory.until("shop", ({ status }) => status === "STOPPED", BUDGET_MS);
    expect(failed.failure?.code).toBe("DEADLINE_EXCEEDED");
    expect(laboratory.left).toEqual([]);
    supervisor().start("shop");
    await laboratory.until("shop", ({ state }) => state === "running.steady", BUDGET_MS);
  });

  test("back while the supervisor is down gives no state a longer budget than it has", async () => {
    const { clock, laboratory, supervisor } = await open();
    const http = { port: "auto", readiness: { budgetMs: BUDGET_MS } };
    supervisor().create(workspaceOf("slow", { web: { command: ["deaf"], servers: { http } } }));
    supervisor().start("slow");
    await clock.advanceAsync(1_000);
    const { deadlineAt } = laboratory.view("slow").machines["web"]?.servers["http"] ?? {};
    expect(deadlineAt).toBeGreaterThan(clock.now());
    laboratory.kill();

    clock.jump(-HOUR_MS);
    await laboratory.boot();

    const failed = await laboratory.until("slow", ({ status }) => status === "STOPPED", 2 * BUDGET_MS);
    expect(failed.failure).toMatchObject({ code: "SERVER_NOT_READY" });
  });
});
