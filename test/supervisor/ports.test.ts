import { describe, expect, test } from "vitest";
import type { Infrastructure } from "../../src/infrastructure/spi.ts";
import { Laboratory } from "../../src/testing/laboratory.ts";
import { workspaceOf } from "../../src/testing/workspace-of.ts";

describe("clearing up what is left of a machine", () => {
  test("waits for no other machine, not even one whose name begins alike", async () => {
    const laboratory = await Laboratory.open();
    laboratory.infrastructure.inject({ operation: "startMachine", machine: "web2", delayMs: 60_000 });
    laboratory.supervisor.create(workspaceOf("shop", { web: {}, web2: {} }));
    const { instanceId } = laboratory.supervisor.start("shop");
    await laboratory.until("shop", ({ machines }) => machines["web"]?.status === "RUNNING");

    laboratory.infrastructure.crash(instanceId ?? "", "web", { code: 1 });
    await laboratory.until("shop", ({ machines }) => machines["web"]?.restarts === 1);
    const again = laboratory.until("shop", ({ machines }) => machines["web"]?.status === "RUNNING", 2_000);

    await expect(again).resolves.toMatchObject({ status: "STARTING" });
  });
});

describe("a budget that a recovery does not take up again", () => {
  test("is new when its state is entered anew, long after", async () => {
    let isLost = true;
    const laboratory = await Laboratory.open({
      latencyMs: { startMachine: 50 },
      wrap: { infrastructure: (place) => answersLost(place, () => isLost) },
    });
    laboratory.supervisor.create(workspaceOf("shop", { web: {} }));
    const { instanceId } = laboratory.supervisor.start("shop");
    await laboratory.clock.advanceAsync(1_000);
    expect(laboratory.view("shop").machines["web"]?.state).toBe("starting.booting");
    laboratory.kill();
    isLost = false;
    await laboratory.boot();
    await laboratory.untilStatus("shop", "RUNNING");
    await laboratory.clock.advanceAsync(3_600_000);

    laboratory.infrastructure.crash(instanceId ?? "", "web", { code: 1 });
    await laboratory.until("shop", ({ state }) => state === "running.interrupted");
    const running = await laboratory.until("shop", ({ state }) => state === "running.steady");

    expect(running.machines["web"]?.restarts).toBe(1);
  });
});

/** Machines start, but nobody hears of it for as long as `isLost` says so. */
function answersLost(place: Infrastructure, isLost: () => boolean): Infrastructure {
  return new Proxy(place, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name !== "startMachine") return typeof value === "function" ? value.bind(target) : value;
      return async (...args: Parameters<Infrastructure["startMachine"]>) => {
        const started = await target.startMachine(...args);
        return isLost() ? new Promise(() => {}) : started;
      };
    },
  });
}
