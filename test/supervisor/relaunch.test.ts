import { describe, expect, test } from "vitest";
import { Laboratory } from "../../src/testing/laboratory.ts";
import { workspaceOf } from "../../src/testing/workspace-of.ts";

const latencyMs = { stopMachine: 100, removeMachine: 100, startMachine: 100 };
const once = { restart: { policy: "temporary" } };

describe("a supervisor that is killed while all machines end, to be launched again", () => {
  test.each([0, 50, 150, 250, 350])("%i ms after the failure goes on with that", async (ms) => {
    const laboratory = await Laboratory.open({ latencyMs });
    laboratory.supervisor.create(workspaceOf("shop", { db: once, web: {} }, { onFailure: "one-for-all" }));
    const { instanceId } = laboratory.supervisor.start("shop");
    await laboratory.until("shop", ({ state }) => state === "running.steady");
    laboratory.infrastructure.crash(instanceId ?? "", "db", { code: 1 });
    await laboratory.until("shop", ({ state }) => state === "starting.relaunching");
    await laboratory.clock.advanceAsync(ms);

    laboratory.kill();
    await laboratory.boot();
    const running = await laboratory.until("shop", ({ state }) => state === "running.steady", 60_000);

    expect(running).toMatchObject({ instanceId, failure: null });
    expect(running.machines).toMatchObject({ db: { status: "RUNNING" }, web: { status: "RUNNING" } });
    expect(laboratory.infrastructure.violations).toEqual([]);
  });
});
