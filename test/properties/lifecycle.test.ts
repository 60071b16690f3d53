import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import type { Operation } from "../../src/infrastructure/simulated/index.ts";
import { Laboratory, workspace } from "../supervisor/laboratory.ts";

const operations: readonly Operation[] = [
  "prepare",
  "fetchImage",
  "createMachine",
  "startMachine",
  "stopMachine",
  "removeMachine",
  "exec",
  "observe",
  "destroy",
];

/** What may happen to a workspace, from its user, its machines, the infrastructure and our own process. */
const happenings = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 10, 150, 1_000, 20_000) }),
  },
  { weight: 2, arbitrary: fc.constant({ do: "start" as const }) },
  { weight: 2, arbitrary: fc.constant({ do: "stop" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("crash" as const),
      machine: fc.constantFrom("db", "web"),
      code: fc.constantFrom(0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "kill the process" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("fault" as const),
      operation: fc.constantFrom(...operations),
      delayMs: fc.constantFrom(0, 500, 30_000),
      fails: fc.boolean(),
      onAbort: fc.constantFrom("stop" as const, "late" as const, "deaf" as const),
    }),
  },
);

type Happening = typeof happenings extends fc.Arbitrary<infer Value> ? Value : never;

const config = (onFailure: string) =>
  workspace(
    "w",
    {
      db: { servers: { sql: { port: "auto", protocol: "tcp" } } },
      web: { dependsOn: { db: "healthy" }, installers: [{ id: "agent", version: "1.0.0", script: "true" }] },
    },
    { onFailure },
  );

async function happen(laboratory: Laboratory, happening: Happening): Promise<void> {
  switch (happening.do) {
    case "wait":
      return laboratory.clock.advanceAsync(happening.ms);
    case "start":
      laboratory.supervisor.start("w");
      return;
    case "stop":
      laboratory.supervisor.stop("w");
      return;
    case "crash": {
      const { instanceId } = laboratory.view("w");
      const machines = laboratory.infrastructure
        .world()
        .instances.find((one) => one.instanceId === instanceId)?.machines;
      if (machines?.[happening.machine]?.state !== "running") return;
      laboratory.infrastructure.crash(instanceId ?? "", happening.machine, { code: happening.code });
      return;
    }
    case "kill the process":
      laboratory.kill();
      return laboratory.boot();
    case "fault":
      laboratory.infrastructure.inject({
        operation: happening.operation,
        delayMs: happening.delayMs,
        onAbort: happening.onAbort,
        ...(happening.fails ? { error: new Error("It was meant to fail") } : {}),
      });
  }
}

/** What holds at every moment. */
function checkAlways(laboratory: Laboratory): void {
  const view = laboratory.view("w");
  expect(laboratory.infrastructure.violations).toEqual([]);
  if (view.status === "STOPPED" && view.stopReason?.by === "failure") expect(view.failure?.message).toBeTruthy();
  const bySequence = new Map<string, number>();
  for (const { instanceId, sequence } of laboratory.supervisor.events("w", { limit: 1_000 })) {
    const key = instanceId ?? "";
    expect(sequence).toBe((bySequence.get(key) ?? 0) + 1);
    bySequence.set(key, sequence);
  }
}

const runs = Number(process.env["TROUPE_RUNS"] ?? 150);

describe("whatever happens to a workspace", () => {
  test.prop(
    [fc.array(happenings, { maxLength: 25 }), fc.constantFrom("stop-workspace", "one-for-one", "one-for-all")],
    {
      numRuns: runs,
    },
  )("it can be stopped, and then nothing of it is left", async (script, onFailure) => {
    const laboratory = await Laboratory.open({ latencyMs: { exec: 100, startMachine: 50, stopMachine: 50 } });
    laboratory.supervisor.create(config(onFailure));
    for (const happening of script) {
      await happen(laboratory, happening);
      checkAlways(laboratory);
    }
    laboratory.infrastructure.heal();

    laboratory.supervisor.stop("w");
    await laboratory.until(
      "w",
      ({ status, nextInstanceId }) => status === "STOPPED" && nextInstanceId === null,
      300_000,
    );
    await laboratory.clock.advanceAsync(200_000);

    checkAlways(laboratory);
    expect(laboratory.left).toEqual([]);
    expect(laboratory.supervisor.leaks()).toEqual([]);
    expect(laboratory.infrastructure.world().ports).toEqual([]);
  });

  test.prop([fc.array(happenings, { maxLength: 25 })], { numRuns: runs })(
    "a start that comes after it leads to a running instance",
    async (script) => {
      const laboratory = await Laboratory.open({ latencyMs: { exec: 100, startMachine: 50, stopMachine: 50 } });
      laboratory.supervisor.create(config("stop-workspace"));
      for (const happening of script) await happen(laboratory, happening);
      laboratory.infrastructure.heal();
      laboratory.supervisor.stop("w");

      laboratory.supervisor.start("w");
      const running = await laboratory.until("w", ({ state }) => state === "running.steady");
      await laboratory.clock.advanceAsync(200_000);

      checkAlways(laboratory);
      expect(laboratory.view("w").status).toBe("RUNNING");
      expect(laboratory.left).toEqual([running.instanceId]);
    },
  );
});
