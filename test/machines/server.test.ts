import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import type { ServerPlan } from "../../machines/server.ts";
import { portFailure, serverPlan } from "./plans.ts";
import { Stage } from "./stage.ts";

const answered = { type: "probe.answered", message: "GET / answered 200" };
const missed = { type: "probe.missed", message: "connection refused" };

function checking(plan: Partial<ServerPlan> = {}): Stage {
  const stage = Stage.server({ plan: serverPlan("web", { name: "http", ...plan }) });
  stage.send({ type: "server.check" });
  return stage;
}

describe("a server that gets ready", () => {
  test("is unknown and not probed until its machine says so", () => {
    const stage = Stage.server({ plan: serverPlan("web", { name: "http" }) });

    expect(stage.state).toBe("unknown");
    expect(stage.open).toEqual([]);
  });

  test("runs after so many answers in a row, and tells its machine once", () => {
    const stage = checking({ readinessSuccesses: 2 });

    for (const fact of [answered, missed, answered]) stage.tell("probe web http", fact);
    expect(stage.state).toBe("checking");
    stage.tell("probe web http", answered);

    expect(stage.state).toBe("live.running");
    expect(stage.reports).toEqual([{ type: "server.ready", name: "http" }]);
  });

  test("is probed for liveness from then on, not for readiness", () => {
    const stage = checking();

    stage.tell("probe web http", answered);

    expect(stage.open.map(({ input }) => input)).toMatchObject([{ purpose: "liveness" }]);
  });

  test("fails when its budget is used up, with what the last probe said", async () => {
    const stage = checking();
    stage.tell("probe web http", missed);

    await stage.expire("web http checking");

    expect(stage.state).toBe("live.stopped");
    expect(stage.reports).toMatchObject([
      {
        type: "server.unready",
        name: "http",
        failure: {
          code: "SERVER_NOT_READY",
          message: expect.stringMatching(/: connection refused$/),
          budgetMs: 4_001,
          source: { kind: "server", machine: "web", name: "http" },
          state: "checking",
        },
      },
    ]);
  });

  test("fails when it cannot be probed at all", async () => {
    const stage = checking();

    await failProbe(stage);

    expect(stage.reports).toMatchObject([{ type: "server.unready", failure: { code: "INFRASTRUCTURE_UNAVAILABLE" } }]);
  });
});

describe("a live server", () => {
  test("that stops and comes back tells its machine nothing: it restarts nothing", () => {
    const stage = checking({ livenessFailures: 2, livenessSuccesses: 2 });
    stage.tell("probe web http", answered);

    for (const fact of [missed, missed]) stage.tell("probe web http", fact);
    expect(stage.state).toBe("live.stopped");
    for (const fact of [answered, answered]) stage.tell("probe web http", fact);

    expect(stage.state).toBe("live.running");
    expect(stage.reports).toHaveLength(1);
  });

  test("is shown as stopped when it cannot be probed any more, and why", async () => {
    const stage = checking();
    stage.tell("probe web http", answered);

    await failProbe(stage);

    expect(stage.state).toBe("live.stopped");
    expect(stage.context.failure.code).toBe("INFRASTRUCTURE_UNAVAILABLE");
  });

  test.each(["running", "stopped"] as const)("that is adopted goes on as it was: %s", (found) => {
    const stage = Stage.server({ plan: serverPlan("web", { name: "http" }), found });

    expect(stage.state).toBe(`live.${found}`);
    expect(stage.open.map(({ input }) => input)).toMatchObject([{ purpose: "liveness" }]);
    expect(stage.reports).toEqual([]);
  });
});

test.each(["unknown", "checking", "live.running", "live.stopped"])(
  "a server ends in %s when its machine ends",
  (state) => {
    const found = state === "live.running" ? "running" : state === "live.stopped" ? "stopped" : "unknown";
    const stage = Stage.server({ plan: serverPlan("web", { name: "http" }), found });
    if (state === "checking") stage.send({ type: "server.check" });
    expect(stage.state).toBe(state);

    stage.send({ type: "server.end" });

    expect(stage.state).toBe("ended");
    expect(stage.open).toEqual([]);
  },
);

const thresholds = fc.record({
  readinessSuccesses: fc.integer({ min: 1, max: 4 }),
  livenessFailures: fc.integer({ min: 1, max: 4 }),
  livenessSuccesses: fc.integer({ min: 1, max: 4 }),
});

describe("whatever the probes say", () => {
  property.prop([thresholds, fc.array(fc.boolean(), { maxLength: 40 })])(
    "a server never runs without so many answers in a row, never stops without so many misses",
    (plan, answers) => {
      const stage = checking(plan);
      const told: boolean[] = [];
      const lastAre = (answer: boolean, count: number): boolean =>
        told.length >= count && told.slice(-count).every((one) => one === answer);
      let before = stage.state;

      for (const answer of answers) {
        stage.tell("probe web http", answer ? answered : missed);
        told.push(answer);
        const { state } = stage;
        const firstTime = before === "checking";
        const needed = firstTime ? plan.readinessSuccesses : plan.livenessSuccesses;
        if (state !== before && state === "live.running") expect(lastAre(true, needed)).toBe(true);
        if (state !== before && state === "live.stopped") expect(lastAre(false, plan.livenessFailures)).toBe(true);
        // And no later than that.
        if (state === "checking") expect(lastAre(true, plan.readinessSuccesses)).toBe(false);
        if (state === before && state === "live.running") expect(lastAre(false, plan.livenessFailures)).toBe(false);
        before = state;
      }
    },
  );
});

async function failProbe(stage: Stage): Promise<void> {
  await stage.fail("probe web http", portFailure("INFRASTRUCTURE_UNAVAILABLE"));
}
