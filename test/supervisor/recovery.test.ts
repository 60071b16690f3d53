import { describe, expect, test } from "vitest";
import { Laboratory } from "../../src/testing/laboratory.ts";
import { workspaceOf } from "../../src/testing/workspace-of.ts";

const latencyMs = {
  prepare: 100,
  fetchImage: 100,
  createMachine: 100,
  startMachine: 100,
  put: 100,
  exec: 300,
  stopMachine: 100,
  removeMachine: 100,
  destroy: 100,
  observe: 50,
};

const shop = workspaceOf("shop", {
  db: { servers: { sql: { port: "auto", protocol: "tcp" } } },
  web: {
    dependsOn: { db: "healthy" },
    installers: [
      { id: "tools", version: "1.0.0", script: "true" },
      { id: "agent", version: "1.0.0", script: "true", dependencies: ["tools"] },
    ],
    servers: { http: { port: "auto", protocol: "http" } },
  },
});

async function started(): Promise<Laboratory> {
  const laboratory = await Laboratory.open({ latencyMs });
  laboratory.supervisor.create(shop);
  laboratory.supervisor.start("shop");
  return laboratory;
}

/** From the command until the start or the stop is over, in steps that cut through every operation. */
const moments = Array.from({ length: 60 }, (_, step) => step * 35);

describe("a supervisor that is killed and started again", () => {
  test.each(moments)(
    "%i ms after a start command goes on with the same instance, and does nothing twice",
    async (ms) => {
      const laboratory = await started();
      const { instanceId } = laboratory.view("shop");
      await laboratory.clock.advanceAsync(ms);

      laboratory.kill();
      await laboratory.boot();
      await laboratory.untilStatus("shop", "RUNNING");
      const running = await laboratory.until("shop", ({ state }) => state === "running.steady");

      expect(running.instanceId).toBe(instanceId);
      expect(running.machines["web"]?.installers).toMatchObject({
        tools: { status: "DONE" },
        agent: { status: "DONE" },
      });
      expect(running.machines["web"]?.restarts).toBe(0);
      expect(laboratory.infrastructure.violations).toEqual([]);
      expect(laboratory.left).toEqual([instanceId]);
    },
  );

  test.each(moments.slice(0, 30))("%i ms after a stop command ends the stop, and leaves nothing", async (ms) => {
    const laboratory = await started();
    await laboratory.untilStatus("shop", "RUNNING");
    laboratory.supervisor.stop("shop");
    await laboratory.clock.advanceAsync(ms);

    laboratory.kill();
    await laboratory.boot();
    const stopped = await laboratory.untilStatus("shop", "STOPPED");

    expect(stopped.stopReason).toMatchObject({ by: "user" });
    expect(stopped.failure).toBeNull();
    expect(laboratory.left).toEqual([]);
    expect(laboratory.infrastructure.violations).toEqual([]);
  });

  test("shows the status that there was, before it has looked", async () => {
    const laboratory = await started();
    await laboratory.untilStatus("shop", "RUNNING");

    laboratory.kill();
    await laboratory.boot();

    expect(laboratory.view("shop")).toMatchObject({ status: "RUNNING", state: "recovering.adopting" });
  });

  test("finds a machine that ended while nobody looked, and restarts it", async () => {
    const laboratory = await started();
    const { instanceId } = await laboratory.untilStatus("shop", "RUNNING");
    laboratory.kill();
    laboratory.infrastructure.crash(instanceId ?? "", "web");

    await laboratory.boot();
    await laboratory.until("shop", ({ machines }) => machines["web"]?.state.startsWith("restarting") ?? false);
    const running = await laboratory.until("shop", ({ state }) => state === "running.steady");

    expect(running.machines["web"]).toMatchObject({ status: "RUNNING", restarts: 1 });
    expect(running.instanceId).toBe(instanceId);
  });

  test("keeps the time that a state had left", async () => {
    const laboratory = await Laboratory.open();
    laboratory.infrastructure.inject({ operation: "startMachine", delayMs: 50_000, times: 9 });
    laboratory.supervisor.create(workspaceOf("slow", { one: {} }));
    laboratory.supervisor.start("slow");
    await laboratory.clock.advanceAsync(1_000);
    const { deadlineAt } = laboratory.view("slow").machines["one"] ?? {};

    await laboratory.clock.advanceAsync(29_000);
    laboratory.kill();
    await laboratory.boot();
    await laboratory.clock.advanceAsync(1_000);

    expect(laboratory.view("slow").machines["one"]).toMatchObject({ state: "starting.booting", deadlineAt });
  });

  test("stops what was started with no intent left to run it", async () => {
    const laboratory = await started();
    await laboratory.untilStatus("shop", "RUNNING");
    laboratory.supervisor.stop("shop");

    laboratory.kill(); // the intent is durable; nothing else has happened
    await laboratory.boot();

    expect(laboratory.view("shop").status).toBe("STOPPING");
    await laboratory.untilStatus("shop", "STOPPED");
    expect(laboratory.left).toEqual([]);
  });

  test("removes an instance that belongs to no workspace", async () => {
    const laboratory = await started();
    await laboratory.untilStatus("shop", "RUNNING");
    laboratory.kill();
    const empty = await Laboratory.open();
    empty.kill();
    empty.infrastructure = laboratory.infrastructure;

    await empty.boot();
    await empty.clock.advanceAsync(1_000);
    await laboratory.clock.advanceAsync(1_000);

    expect(empty.left).toEqual([]);
  });

  test("refuses to begin without the infrastructure that a running instance needs", async () => {
    const laboratory = await started();
    await laboratory.untilStatus("shop", "RUNNING");
    laboratory.kill();
    Object.defineProperty(laboratory.infrastructure, "name", { value: "another" });

    await expect(laboratory.boot()).rejects.toMatchObject({ code: "INFRASTRUCTURE_UNAVAILABLE" });
  });
});

describe("a supervisor that is suspended", () => {
  test("leaves machines running, and the next one adopts them", async () => {
    const laboratory = await started();
    const { instanceId } = await laboratory.untilStatus("shop", "RUNNING");

    await laboratory.supervisor.suspend();
    expect(laboratory.left).toEqual([instanceId]);
    laboratory.kill();
    await laboratory.boot();
    const running = await laboratory.until("shop", ({ state }) => state === "running.steady");

    expect(running.instanceId).toBe(instanceId);
    expect(running.machines["web"]?.restarts).toBe(0);
    expect(laboratory.infrastructure.violations).toEqual([]);
  });
});
