import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { isEndless } from "../machines/manual-ports.ts";
import { exitOf, type MachineSketch, portFailure, runOf, workspacePlan } from "../machines/plans.ts";
import { Stage, settled } from "../machines/stage.ts";

/** Everything that can reach the charts of one workspace: commands, outcomes of what they asked for, facts, time. */
const happenings = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.constantFrom({ do: "start" } as const, { do: "stop" } as const, { do: "force" } as const),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("finish" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("fail" as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("expire" as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("exit" as const), which: fc.nat(3), code: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("away", "back"), which: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("answer", "miss"), which: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(100, 1_000, 30_000) }) },
);

type Happening = typeof happenings extends fc.Arbitrary<infer Value> ? Value : never;

const machines: Record<string, MachineSketch> = {
  db: { restart: { restart: "permanent", maxRestarts: 2 }, servers: ["sql"] },
  web: { dependsOn: { db: "healthy" }, installers: [{ id: "agent", servers: ["http"] }], servers: ["http"] },
  job: { restart: { restart: "temporary" } },
};

const strategies = fc.constantFrom("stop-workspace", "one-for-one", "one-for-all");
const scripts = fc.array(happenings, { maxLength: 60 });

class Story {
  readonly stage = Stage.workspace();
  readonly #onFailure: "stop-workspace" | "one-for-one" | "one-for-all";
  #starts = 0;

  constructor(onFailure: "stop-workspace" | "one-for-one" | "one-for-all") {
    this.#onFailure = onFailure;
  }

  async happen(happening: Happening): Promise<void> {
    const { stage } = this;
    const pick = (port: string | null, which: number) => {
      const calls = stage.open.filter((call) => (port === null ? !isEndless(call) : call.port === port));
      return calls[which % Math.max(1, calls.length)];
    };
    switch (happening.do) {
      case "start":
        this.#starts += 1;
        stage.send({
          type: "workspace.start",
          run: runOf(`i-${this.#starts}`, workspacePlan(machines, { onFailure: this.#onFailure, maxRestarts: 1 })),
        } as never);
        break;
      case "stop":
      case "force":
        stage.send({
          type: "workspace.stop",
          reason: { by: "user", message: "Asked to" },
          force: happening.do === "force",
        } as never);
        break;
      case "finish":
        stage.answer(pick(null, happening.which));
        break;
      case "fail":
        pick(null, happening.which)?.reject(portFailure("MACHINE_FAILED", { at: stage.clock.now() }));
        break;
      case "expire":
        pick("deadline", happening.which)?.reject(portFailure("DEADLINE_EXCEEDED", { at: stage.clock.now() }));
        break;
      case "exit": {
        const exit = exitOf(happening.code, stage.clock.now());
        pick("watchMachine", happening.which)?.tell({
          type: "watch.exited",
          exit,
          at: exit.at,
          lastLines: [],
        } as never);
        break;
      }
      case "away":
      case "back":
        pick("watchMachine", happening.which)?.tell({ type: `watch.${happening.do}`, reason: "reset" } as never);
        break;
      case "answer":
      case "miss":
        pick("probe", happening.which)?.tell({
          type: happening.do === "answer" ? "probe.answered" : "probe.missed",
          message: "",
        } as never);
        break;
      case "wait":
        stage.clock.advance(happening.ms);
    }
    await settled();
  }
}

async function told(script: readonly Happening[], onFailure: "stop-workspace" | "one-for-one" | "one-for-all") {
  const story = new Story(onFailure);
  await story.happen({ do: "start" });
  for (const happening of script) await story.happen(happening);
  return story;
}

const settledMachines = ["running.bootstrap.ready & connection.held", "completed", "failed"];
const isWorkspace = ({ source }: { source: { kind: string } }): boolean => source.kind === "workspace";
const numRuns = Number(process.env["TROUPE_RUNS"] ?? 300);

describe("whatever happens in whatever order", () => {
  test.prop([scripts, strategies], { numRuns })("no chart fails", async (script, onFailure) => {
    const { stage } = await told(script, onFailure);

    expect(stage.errors).toEqual([]);
    expect(stage.actor.getSnapshot().status).toBe("active");
  });

  test.prop([scripts, strategies], { numRuns })(
    "a workspace runs steadily exactly while all its machines are ready or have ended",
    async (script, onFailure) => {
      const story = new Story(onFailure);
      const { stage } = story;
      await story.happen({ do: "start" });
      for (const happening of script) {
        await story.happen(happening);
        if (!stage.state.startsWith("running")) continue;
        const states = Object.keys(machines).map((name) => stage.stateOf(name));
        const areSettled = states.every((state) => settledMachines.includes(state));
        expect([stage.state, areSettled, ...states]).toEqual([
          areSettled ? "running.steady" : "running.interrupted",
          areSettled,
          ...states,
        ]);
      }
    },
  );

  test.prop([scripts, strategies], { numRuns })(
    "every path back to stopped goes through stopping, and ends with a destruction",
    async (script, onFailure) => {
      const { stage } = await told(script, onFailure);

      const ends = stage.transitions.filter(({ to, ...one }) => isWorkspace(one) && to === "stopped");
      expect(ends.filter(({ from }) => !from?.startsWith("stopping.destroying"))).toEqual([]);
      expect(stage.asked.filter((name) => name === "destroy").length).toBeGreaterThanOrEqual(ends.length);
    },
  );

  test.prop([scripts, strategies], { numRuns })(
    "every instance that stops says why, and a failure has a class and a state",
    async (script, onFailure) => {
      const { stage } = await told(script, onFailure);

      for (const { status, data, failure } of stage.transitions.filter(isWorkspace)) {
        if (status === "STOPPING" || status === "STOPPED") expect(data["stopReason"]).not.toBeNull();
        if (failure !== null) expect(failure).toMatchObject({ class: "infrastructure", state: expect.any(String) });
      }
    },
  );

  test.prop([scripts, strategies], { numRuns })(
    "a machine is never restarted more often than its policy allows in any window",
    async (script, onFailure) => {
      const story = new Story(onFailure);
      const restarts: { readonly instance: string; readonly at: number }[] = [];
      await story.happen({ do: "start" });
      for (const happening of script) {
        const before = story.stage.transitions.length;
        await story.happen(happening);
        for (const { source, to, instanceId } of story.stage.transitions.slice(before)) {
          if (source.kind === "machine" && source.machine === "db" && to === "restarting.killing") {
            restarts.push({
              instance: `${instanceId} ${story.stage.context.relaunches.length}`,
              at: story.stage.clock.now(),
            });
          }
        }
      }

      for (const { instance, at } of restarts) {
        const inWindow = restarts.filter((one) => one.instance === instance && one.at <= at && at - one.at < 60_000);
        expect(inWindow.length).toBeLessThanOrEqual(2);
      }
    },
  );

  test.prop([scripts, strategies, fc.array(fc.boolean(), { minLength: 1, maxLength: 20 })], { numRuns })(
    "a stop leads to stopped when every port settles, either way",
    async (script, onFailure, outcomes) => {
      const story = await told(script, onFailure);
      const { stage } = story;
      await story.happen({ do: "stop" });

      for (let turn = 0; stage.state !== "stopped"; turn += 1) {
        expect(turn).toBeLessThan(200);
        const next = stage.open.find((call) => !isEndless(call));
        // Each of so many failures wears out a budget; in the end the destruction works.
        if (next !== undefined && (outcomes[turn % outcomes.length] || turn > 100)) stage.answer(next);
        else if (next !== undefined) next.reject(portFailure("MACHINE_FAILED", { at: 0 }));
        else stage.clock.advance(500);
        await settled();
      }

      expect(stage.context.next).toBeNull();
    },
  );

  test.prop([scripts, strategies], { numRuns })(
    "a stop leads to stopped by budgets alone when no port ever settles",
    async (script, onFailure) => {
      const story = await told(script, onFailure);
      const { stage } = story;
      await story.happen({ do: "stop" });

      for (let turn = 0; stage.state !== "stopped"; turn += 1) {
        expect(turn).toBeLessThan(100);
        const next = stage.open.find(({ port }) => port === "deadline");
        if (next === undefined) stage.clock.advance(500);
        else next.reject(portFailure("DEADLINE_EXCEEDED", { at: 0 }));
        await settled();
      }
    },
  );
});
