import { describe, expect, test } from "vitest";
import type { Fault, Operation } from "../../src/infrastructure/simulated/index.ts";
import { Laboratory } from "../../src/testing/laboratory.ts";
import { workspaceOf } from "../../src/testing/workspace-of.ts";

const shop = workspaceOf("shop", {
  db: { servers: { sql: { port: "auto", protocol: "tcp" } } },
  web: {
    dependsOn: { db: "healthy" },
    installers: [{ id: "agent", version: "1.0.0", script: "true" }],
    servers: { http: { port: "auto", protocol: "http" } },
  },
});

/** Where a start can be held up, and what the infrastructure does with the interruption. */
const operations: readonly Operation[] = ["prepare", "fetchImage", "createMachine", "startMachine", "put", "exec"];
const manners: readonly NonNullable<Fault["onAbort"]>[] = ["stop", "late", "deaf"];
const holds = operations.flatMap((operation) => manners.map((onAbort) => ({ operation, onAbort })));

async function heldStart(fault: Fault): Promise<Laboratory> {
  const laboratory = await Laboratory.open();
  laboratory.infrastructure.inject(fault);
  laboratory.supervisor.create(shop);
  laboratory.supervisor.start("shop");
  await laboratory.clock.advanceAsync(1_000);
  expect(laboratory.view("shop").status).toBe("STARTING");
  return laboratory;
}

describe("a start that hangs", () => {
  test.each(holds)("in $operation is stopped, and leaves nothing ($onAbort)", async ({ operation, onAbort }) => {
    const laboratory = await heldStart({ operation, onAbort, delayMs: 3_600_000 });

    laboratory.supervisor.stop("shop");
    const stopped = await laboratory.untilStatus("shop", "STOPPED");
    await laboratory.clock.advanceAsync(4_000_000);

    expect(stopped.failure).toBeNull();
    expect(laboratory.left).toEqual([]);
    expect(laboratory.supervisor.leaks()).toEqual([]);
    expect(laboratory.infrastructure.violations).toEqual([]);
  });

  test.each(holds)("in $operation is stopped by force within 20 s ($onAbort)", async ({ operation, onAbort }) => {
    const laboratory = await heldStart({ operation, onAbort, delayMs: 3_600_000 });

    laboratory.supervisor.stop("shop");
    laboratory.supervisor.stop("shop");
    await laboratory.until("shop", ({ status }) => status === "STOPPED", 20_000);
    await laboratory.clock.advanceAsync(4_000_000);

    expect(laboratory.left).toEqual([]);
  });

  test.each(holds)("in $operation fails when its budget is used up, and says which ($onAbort)", async (hold) => {
    const laboratory = await heldStart({ ...hold, delayMs: Number.POSITIVE_INFINITY });

    const stopped = await laboratory.untilStatus("shop", "STOPPED");

    expect(stopped.failure).toMatchObject({ code: "DEADLINE_EXCEEDED", class: "infrastructure" });
    expect(stopped.failure?.budgetMs).toBeGreaterThan(0);
    expect(stopped.stopReason).toMatchObject({ by: "failure" });
    expect(laboratory.left).toEqual([]);
  });

  test.each(holds)("in $operation is begun anew: stop and start again give a new instance ($onAbort)", async (hold) => {
    const laboratory = await heldStart({ ...hold, delayMs: 60_000 });
    const first = laboratory.view("shop").instanceId;

    laboratory.supervisor.stop("shop");
    const waiting = laboratory.supervisor.start("shop");
    const running = await laboratory.untilStatus("shop", "RUNNING");
    await laboratory.clock.advanceAsync(200_000);

    expect(waiting.nextInstanceId).not.toBeNull();
    expect(running.instanceId).toBe(waiting.nextInstanceId);
    expect(running.instanceId).not.toBe(first);
    expect(laboratory.left).toEqual([running.instanceId]);
    expect(laboratory.infrastructure.violations).toEqual([]);
  });
});

describe("a supervisor that is killed", () => {
  test.each(holds)("while a start hangs in $operation goes on with it ($onAbort)", async (hold) => {
    const laboratory = await heldStart({ ...hold, delayMs: 60_000 });
    const { instanceId } = laboratory.view("shop");

    laboratory.kill();
    await laboratory.boot();
    const running = await laboratory.untilStatus("shop", "RUNNING");
    await laboratory.clock.advanceAsync(100_000);

    expect(running.instanceId).toBe(instanceId);
    expect(laboratory.view("shop").status).toBe("RUNNING");
    expect(laboratory.left).toEqual([instanceId]);
    expect(laboratory.infrastructure.violations).toEqual([]);
  });

  test.each(holds)("while a start that hangs in $operation is being stopped ends it ($onAbort)", async (hold) => {
    const laboratory = await heldStart({ ...hold, delayMs: 60_000 });
    laboratory.supervisor.stop("shop");

    laboratory.kill();
    await laboratory.boot();
    await laboratory.untilStatus("shop", "STOPPED");
    await laboratory.clock.advanceAsync(100_000);

    expect(laboratory.left).toEqual([]);
    expect(laboratory.supervisor.leaks()).toEqual([]);
  });
});

describe("a start after one that left something behind", () => {
  test("removes it first, so that a port that it held is free again", async () => {
    const laboratory = await Laboratory.open();
    laboratory.supervisor.create(
      workspaceOf("fixed", { web: { servers: { http: { port: 7000, protocol: "http" } } } }),
    );
    laboratory.supervisor.start("fixed");
    const { instanceId } = await laboratory.untilStatus("fixed", "RUNNING");
    laboratory.infrastructure.jam(instanceId ?? "", "web", "it hangs in the kernel");
    laboratory.supervisor.stop("fixed");
    await laboratory.untilStatus("fixed", "STOPPED");
    expect(laboratory.supervisor.leaks()).not.toEqual([]);

    laboratory.infrastructure.jam(instanceId ?? "", "web", null);
    laboratory.supervisor.start("fixed");

    await laboratory.untilStatus("fixed", "RUNNING");
    expect(laboratory.supervisor.leaks()).toEqual([]);
  });
});
