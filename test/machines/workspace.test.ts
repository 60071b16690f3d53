import { describe, expect, test } from "vitest";
import type { MachineFound } from "../../machines/machine.ts";
import type { Recovered, WorkspacePlan } from "../../machines/workspace.ts";
import { exitOf, type MachineSketch, newMachine, portFailure, runOf, workspacePlan } from "./plans.ts";
import { Stage } from "./stage.ts";

const stop = { type: "workspace.stop", reason: { by: "user", message: "Asked to" }, force: false };
const forcedStop = { ...stop, force: true };
const shop: Record<string, MachineSketch> = { db: {}, web: { dependsOn: { db: "healthy" } } };

/** An event with more than a type; `send` knows the rest. */
const start = (instanceId: string, plan: WorkspacePlan) => ({ type: "workspace.start", run: runOf(instanceId, plan) });

function started(machines = shop, strategy: Partial<WorkspacePlan["strategy"]> = {}): Stage {
  const stage = Stage.workspace();
  stage.send(start("i-1", workspacePlan(machines, strategy)));
  return stage;
}

async function running(machines = shop, strategy: Partial<WorkspacePlan["strategy"]> = {}): Promise<Stage> {
  const stage = started(machines, strategy);
  await stage.finishAll();
  expect(stage.state).toBe("running.steady");
  return stage;
}

/** A machine ends in such a way that its own policy gives it up. */
function fails(stage: Stage, machine: string, at = stage.clock.now()): void {
  stage.tell(`watchMachine ${machine}`, { type: "watch.exited", exit: exitOf(1, at), at, lastLines: [] } as never);
}

const fragile: MachineSketch = { restart: { restart: "temporary" } };
const askedOf = (stage: Stage, port: string): string[] => stage.asked.filter((name) => name.startsWith(port));

describe("a start", () => {
  test("goes through the queue and the preparation to the machines, in the order of their dependencies", async () => {
    const stage = started();

    await stage.finishAll();

    expect(stage.state).toBe("running.steady");
    expect(stage.asked).toEqual([
      "admit",
      "prepare",
      ...["fetchImage db", "createMachine db", "bootMachine db", "watchMachine db"],
      ...["fetchImage web", "createMachine web", "bootMachine web", "watchMachine web"],
    ]);
  });

  test.each([
    ["started", "runScript db setup"],
    ["healthy", "probe db sql"],
    ["completed", "watchMachine db"],
  ] as const)("lets a machine wait until another is %s", async (condition, hurdle) => {
    const db: MachineSketch = { installers: ["setup"], servers: ["sql"] };
    const stage = started({ db, web: { dependsOn: { db: condition } } });
    const overcome = {
      started: () => stage.finish("bootMachine db"),
      healthy: async () => stage.tell(hurdle, { type: "probe.answered", message: "accepted" } as never),
      completed: async () => {
        stage.tell("probe db sql", { type: "probe.answered", message: "accepted" } as never);
        stage.tell(hurdle, { type: "watch.exited", exit: exitOf(0), at: 1, lastLines: [] } as never);
        await stage.finishAll(["fetchImage web"]);
      },
    };
    await stage.finishAll(condition === "started" ? ["bootMachine db"] : []);
    expect(stage.stateOf("web")).toBe("waiting");

    await overcome[condition]();

    expect(stage.stateOf("web")).toBe("starting.image");
  });

  test("while one is under way changes nothing", async () => {
    const stage = started();

    stage.send(start("i-2", workspacePlan(shop)));
    await stage.finishAll();
    stage.send(start("i-3", workspacePlan(shop)));

    expect(stage.context).toMatchObject({ instanceId: "i-1", next: null });
    expect(stage.state).toBe("running.steady");
  });
});

describe.each([
  ["starting.queued", "admit", []],
  ["starting.preparing", "prepare", ["admit"]],
] as const)("a start in %s", (state, port, before) => {
  async function there(): Promise<Stage> {
    const stage = started();
    for (const name of before) await stage.finish(name);
    expect(stage.state).toBe(state);
    return stage;
  }

  test("that is stopped lets go of its work, and clears what may still come of it", async () => {
    const stage = await there();
    const { signal } = stage.call(port);

    stage.send(stop);
    expect(signal.aborted).toBe(true);
    expect(stage.state).toBe("stopping.interrupting");
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(stage.asked.slice(-2)).toEqual(["settle", "destroy"]);
    expect(stage.context).toMatchObject({ failure: null, stopReason: stop.reason });
  });

  test("that fails is cleared too, and says class, code and state", async () => {
    const stage = await there();

    await stage.fail(port, portFailure("INFRASTRUCTURE_UNAVAILABLE", { at: 8 }));
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(stage.asked.slice(-2)).toEqual(["settle", "destroy"]);
    expect(stage.context).toMatchObject({
      failure: {
        class: "infrastructure",
        code: "INFRASTRUCTURE_UNAVAILABLE",
        source: { kind: "workspace" },
        state,
        at: 8,
      },
      stopReason: { by: "failure", message: "It failed with INFRASTRUCTURE_UNAVAILABLE" },
    });
  });
});

/** Every state that waits, where its budget leads, and how to get there. */
const budgets: readonly (readonly [deadline: string, to: string, reach: () => Promise<Stage> | Stage])[] = [
  ["starting.queued", "stopping.interrupting", () => started()],
  ["starting.preparing", "stopping.interrupting", () => with_(started(), (stage) => stage.finish("admit"))],
  ["starting.launching", "stopping.halting", () => with_(started(), (stage) => stage.finishAll(["bootMachine db"]))],
  [
    "starting.initializing",
    "stopping.halting",
    () => with_(started({ db: { installers: ["setup"] } }), (stage) => stage.finishAll(["runScript"])),
  ],
  ["starting.relaunching", "stopping.halting", () => relaunching()],
  ["running.interrupted", "stopping.halting", async () => with_(await running(), (stage) => fails(stage, "db"))],
  ["stopping.interrupting", "stopping.destroying.removing", () => with_(started(), (stage) => stage.send(stop))],
  ["stopping.halting", "stopping.destroying.removing", async () => with_(await running(), (stage) => stage.send(stop))],
  ["stopping.destroying", "stopped", async () => with_(await stoppingWith([]), (stage) => stage.fail("destroy"))],
  ["recovering", "stopping.destroying.removing", () => recovered({ was: "running" })],
];

async function with_(stage: Stage, act: (stage: Stage) => Promise<void> | void): Promise<Stage> {
  await act(stage);
  return stage;
}

async function relaunching(): Promise<Stage> {
  const stage = await running({ db: fragile, web: {} }, { onFailure: "one-for-all" });
  fails(stage, "db");
  await stage.finish("killMachine db");
  await stage.finish("removeMachine db");
  expect(stage.state).toBe("starting.relaunching");
  return stage;
}

/** Its machines have ended. */
async function stoppingWith(held: readonly string[]): Promise<Stage> {
  const stage = await running();
  stage.send(stop);
  await stage.finishAll(["destroy", ...held]);
  expect(stage.state).toBe("stopping.destroying.removing");
  return stage;
}

function recovered({ was, ...more }: Pick<Recovered, "was"> & Partial<Recovered>, plan = workspacePlan(shop)): Stage {
  return Stage.workspace({
    run: runOf("i-1", plan),
    was,
    isForced: false,
    stopReason: was === "stopping" ? { by: "user", message: "Asked to" } : null,
    failure: null,
    relaunches: [],
    next: null,
    ...more,
  });
}

describe("the budget", () => {
  test.each(budgets)("of %s leads to %s", async (deadline, to, reach) => {
    const stage = await reach();

    await stage.expire(deadline);

    expect(stage.state).toBe(to);
  });

  test("that a start used up is its failure", async () => {
    const stage = started();

    await stage.expire("starting.queued");
    await stage.finishAll();

    expect(stage.context.failure).toMatchObject({
      code: "DEADLINE_EXCEEDED",
      state: "starting.queued",
      budgetMs: 2_001,
    });
  });

  test("that a stop used up is a failure only where something may be left", async () => {
    const settled = await with_(started(), (stage) => stage.send(stop));
    await settled.expire("stopping.interrupting");
    const destroyed = await stoppingWith([]);
    await destroyed.expire("stopping.destroying");

    expect(settled.context.failure).toBeNull();
    expect(destroyed.context.failure).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });
});

describe("a stop", () => {
  test("ends machines in the reverse order of their dependencies", async () => {
    const stage = await running();

    stage.send(stop);
    expect(askedOf(stage, "stopMachine")).toEqual(["stopMachine web"]);
    await stage.finishAll();

    expect(askedOf(stage, "stopMachine")).toEqual(["stopMachine web", "stopMachine db"]);
    expect(stage.state).toBe("stopped");
    expect(stage.context.stopReason).toEqual(stop.reason);
  });

  test("of a machine that is under way ends what it began", async () => {
    const stage = started();
    await stage.finishAll(["bootMachine db"]);
    const { signal } = stage.call("bootMachine db");

    stage.send(stop);
    expect(signal.aborted).toBe(true); // nobody has anything from it yet: it waits for no other
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
  });

  test("that is repeated forces: every machine is killed at once", async () => {
    const stage = await running();
    stage.send(stop);

    stage.send(stop);

    expect(askedOf(stage, "killMachine").sort()).toEqual(["killMachine db", "killMachine web"]);
    expect(stage.context.isForced).toBe(true);
  });

  test("by force does not ask first", async () => {
    const stage = await running();

    stage.send(forcedStop);
    await stage.finishAll();

    expect(askedOf(stage, "stopMachine")).toEqual([]);
    expect(stage.state).toBe("stopped");
  });

  test("that is repeated does not wait for an interrupted start to settle", async () => {
    const stage = started();
    stage.send(stop);

    stage.send(stop);

    expect(stage.state).toBe("stopping.destroying.removing");
  });

  test("that is repeated keeps the first reason", async () => {
    const stage = await running();
    stage.send(stop);

    stage.send({ ...stop, reason: { by: "supervisor", message: "Again" } } as never);

    expect(stage.context.stopReason).toEqual(stop.reason);
  });

  test("of a stopped workspace changes nothing", () => {
    const stage = Stage.workspace();

    stage.send(stop);

    expect(stage.state).toBe("stopped");
    expect(stage.context.stopReason).toBeNull();
  });

  test("tries again to remove what is left, half a second later", async () => {
    const stage = await stoppingWith([]);

    await stage.finish("destroy", { left: 2 });
    expect(stage.state).toBe("stopping.destroying.cooling");
    stage.clock.advance(500);
    await stage.finish("destroy", { left: 0 });

    expect(stage.state).toBe("stopped");
  });
});

describe("a start while the workspace stops", () => {
  const next = start("i-2", workspacePlan({ solo: {} }));

  test.each([
    "stopping.interrupting",
    "stopping.halting",
    "stopping.destroying.removing",
    "stopping.destroying.cooling",
  ])("in %s is kept, and begins when the old instance is gone", async (state) => {
    const stage = state === "stopping.interrupting" ? started() : await running();
    stage.send(stop);
    if (state.startsWith("stopping.destroying")) await stage.finishAll(["destroy"]);
    if (state.endsWith("cooling")) await stage.finish("destroy", { left: 1 });
    expect(stage.state).toBe(state);

    stage.send(next);
    expect(stage.state).toBe(state);
    stage.clock.advance(500);
    await stage.finishAll();

    expect(stage.state).toBe("running.steady");
    expect(stage.context).toMatchObject({ instanceId: "i-2", next: null, stopReason: null });
    expect(Object.keys(stage.context.progress)).toEqual(["solo"]);
    expect(Object.keys(stage.actor.getSnapshot().children)).toEqual(["solo"]);
  });

  test("is taken back by a stop", async () => {
    const stage = await running();
    stage.send(stop);
    stage.send(next);

    stage.send(stop);
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(stage.context).toMatchObject({ instanceId: "i-1", next: null });
  });

  test("shows the end of the old instance before the new one begins", async () => {
    const stage = await running();
    stage.send(stop);
    stage.send(next);

    await stage.finishAll();

    const own = stage.transitions.filter(({ source }) => source.kind === "workspace");
    const turn = own.findIndex(({ instanceId }) => instanceId === "i-2");
    expect(own[turn - 1]).toMatchObject({ instanceId: "i-1", to: "stopped" });
    expect(own[turn]).toMatchObject({ from: null, to: "starting.queued" });
  });

  test("has machines of its own, even of the same name", async () => {
    const stage = await running();
    const before = stage.actor.getSnapshot().children["db"];
    stage.send(stop);
    stage.send(start("i-2", workspacePlan(shop)));

    await stage.finishAll();

    expect(stage.actor.getSnapshot().children["db"]).not.toBe(before);
    expect(stage.stateOf("db")).toBe("running.bootstrap.ready & connection.held");
  });
});

describe("a machine that crashes while the workspace runs", () => {
  test("interrupts it until it is ready again", async () => {
    const stage = await running();

    fails(stage, "db");
    expect(stage.state).toBe("running.interrupted");
    await stage.finishAll();
    stage.clock.advance(100);
    await stage.finishAll();

    expect(stage.state).toBe("running.steady");
    expect(stage.stateOf("web")).toBe("running.bootstrap.ready & connection.held");
  });

  test("and whose connection is lost and found before it is ready again still interrupts it", async () => {
    const stage = await running({ db: { servers: ["sql"] } }, {}).catch(() => started({ db: { servers: ["sql"] } }));
    await stage.finishAll();
    stage.tell("probe db sql", { type: "probe.answered", message: "accepted" } as never);
    fails(stage, "db");
    await stage.finishAll();
    stage.clock.advance(100);
    await stage.finishAll();
    expect(stage.state).toBe("running.interrupted");

    stage.tell("watchMachine db", { type: "watch.away", reason: "connection reset" } as never);
    stage.tell("watchMachine db", { type: "watch.back" });

    expect(stage.state).toBe("running.interrupted");
  });
});

describe("a machine that has failed", () => {
  test("while the workspace starts stops it, whatever its strategy", async () => {
    for (const onFailure of ["stop-workspace", "one-for-one", "one-for-all"] as const) {
      const stage = started(shop, { onFailure });
      await stage.finishAll(["bootMachine db"]);

      await stage.fail("bootMachine db", portFailure("PORT_TAKEN"));
      await stage.finishAll();

      expect(stage.state).toBe("stopped");
      expect(stage.context).toMatchObject({
        failure: { code: "PORT_TAKEN", source: { kind: "machine", machine: "db" } },
        stopReason: { by: "failure" },
      });
    }
  });

  test("stops the workspace by default, and the others end in order", async () => {
    const stage = await running({ db: fragile, web: { dependsOn: { db: "healthy" } } });

    fails(stage, "db");
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(askedOf(stage, "stopMachine")).toEqual(["stopMachine web"]);
    expect(stage.context.failure).toMatchObject({ code: "MACHINE_EXITED" });
  });

  test("is given up alone under one-for-one", async () => {
    const stage = await running({ db: fragile, web: {} }, { onFailure: "one-for-one" });

    fails(stage, "db");
    await stage.finishAll();

    expect(stage.state).toBe("running.steady");
    expect(stage.stateOf("db")).toBe("failed");
    expect(stage.stateOf("web")).toBe("running.bootstrap.ready & connection.held");
  });

  test("is the end under one-for-one when it was the last", async () => {
    const stage = await running({ db: fragile, web: fragile }, { onFailure: "one-for-one" });

    fails(stage, "db");
    fails(stage, "web");
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(stage.context.stopReason.by).toBe("failure");
  });

  test("makes all end and start again under one-for-all", async () => {
    const stage = await relaunching();
    expect(stage.stateOf("web")).toBe("stopping.terminating");

    await stage.finishAll();

    expect(stage.state).toBe("running.steady");
    expect(askedOf(stage, "bootMachine")).toEqual([
      "bootMachine db",
      "bootMachine web",
      "bootMachine db",
      "bootMachine web",
    ]);
    expect(stage.context.instanceId).toBe("i-1");
  });

  test("stops the workspace when one-for-all has used up its own budget", async () => {
    const stage = await running({ db: fragile, web: {} }, { onFailure: "one-for-all", maxRestarts: 2 });

    for (const round of [1, 2, 3]) {
      fails(stage, "db");
      await stage.finishAll();
      expect(stage.state).toBe(round < 3 ? "running.steady" : "stopped");
    }
  });

  test("finds the budget of one-for-all as it was, after a recovery", async () => {
    const plan = workspacePlan({ db: fragile }, { onFailure: "one-for-all", maxRestarts: 1 });
    const stage = recovered({ was: "running", relaunches: [1_000_000] }, plan);
    await stage.finish("observe", { machines: { db: { ...newMachine, was: "ready", is: "running" } } });

    fails(stage, "db");
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
  });

  test("seldom enough makes one-for-all start again for ever", async () => {
    const stage = await running({ db: fragile }, { onFailure: "one-for-all", maxRestarts: 1, withinMs: 1_000 });

    for (const _ of [1, 2, 3]) {
      fails(stage, "db");
      await stage.finishAll();
      stage.clock.advance(1_000);
    }

    expect(stage.state).toBe("running.steady");
  });

  test("while all end for one-for-all does not stop the workspace", async () => {
    const stage = await running({ db: fragile, web: fragile }, { onFailure: "one-for-all" });
    fails(stage, "db");
    fails(stage, "web");
    await stage.finishAll(["killMachine web"]);
    expect(stage.state).toBe("starting.relaunching");

    await stage.finishAll();

    expect(stage.state).toBe("running.steady");
  });
});

describe("a machine of which something is left", () => {
  test("is not launched again under one-for-all: the workspace stops, and removes it", async () => {
    const stage = await relaunching();

    for (const port of ["stopMachine", "killMachine", "removeMachine"]) await stage.fail(`${port} web`);
    expect(stage.state).toBe("stopping.destroying.removing");
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(stage.context).toMatchObject({
      failure: { code: "RESOURCES_LEFT", source: { kind: "machine", machine: "web" } },
      stopReason: { by: "failure" },
    });
  });

  test("when it failed makes no other start again, whatever the strategy", async () => {
    const stage = await running({ db: fragile, web: {} }, { onFailure: "one-for-all" });

    fails(stage, "db");
    await stage.finish("killMachine db");
    await stage.fail("removeMachine db");
    expect(stage.state).toBe("stopping.halting");
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
  });

  test("does not keep the workspace from stopping", async () => {
    const stage = await running({ web: {} });
    stage.send(stop);

    await stage.finish("stopMachine web");
    await stage.fail("removeMachine web");
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(stage.context.failure).toBeNull();
  });
});

describe("machines that complete their work", () => {
  const completes = (stage: Stage, machine: string): void =>
    stage.tell(`watchMachine ${machine}`, { type: "watch.exited", exit: exitOf(0), at: 1, lastLines: [] } as never);

  test("all of them stop the workspace, with that as the reason and no failure", async () => {
    const stage = await running({ a: {}, b: {} });

    completes(stage, "a");
    await stage.finishAll();
    expect(stage.state).toBe("running.steady");
    completes(stage, "b");
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(stage.context).toMatchObject({ failure: null, stopReason: { by: "completed" } });
  });

  test("before others are ready count as ready", async () => {
    const stage = started({ job: {}, web: { dependsOn: { job: "completed" } } });
    await stage.finishAll();
    expect(stage.state).toBe("starting.launching");

    completes(stage, "job");
    await stage.finishAll();

    expect(stage.state).toBe("running.steady");
  });
});

describe("a recovery", () => {
  const ready: MachineFound = { ...newMachine, was: "ready", is: "running" };
  const observed = (machines: Record<string, MachineFound>) => ({ machines });

  test.each([
    ["starting", "recovering.resuming", "STARTING"],
    ["running", "recovering.adopting", "RUNNING"],
    ["stopping", "recovering.finishing", "STOPPING"],
  ] as const)("of what was %s keeps that status while it looks", (was, state, status) => {
    const stage = recovered({ was });

    expect(stage.state).toBe(state);
    expect(stage.transitions).toMatchObject([{ from: null, to: state, status }]);
    expect(stage.asked).toEqual(["observe"]);
  });

  test("of a running instance adopts its machines, and starts and installs nothing", async () => {
    const stage = recovered({ was: "running" });

    await stage.finish("observe", observed({ db: ready, web: ready }));

    expect(stage.state).toBe("running.steady");
    expect(stage.asked).toEqual(["observe", "watchMachine db", "watchMachine web"]);
  });

  test("of a running instance restarts a machine that is gone", async () => {
    const stage = recovered({ was: "running" });
    await stage.finish("observe", observed({ db: { ...ready, is: "exited" }, web: ready }));

    fails(stage, "db");
    await stage.finishAll();
    stage.clock.advance(100);
    await stage.finishAll();

    expect(stage.state).toBe("running.steady");
    expect(askedOf(stage, "bootMachine")).toEqual(["bootMachine db"]);
  });

  test("of a start goes on with it, and adopts what runs already", async () => {
    const stage = recovered({ was: "starting" });

    await stage.finish("observe", observed({ db: ready }));
    await stage.finishAll();

    expect(stage.state).toBe("running.steady");
    expect(askedOf(stage, "bootMachine")).toEqual(["bootMachine web"]);
  });

  test("of a stop goes on with it", async () => {
    const stage = recovered({ was: "stopping" });

    await stage.finish("observe", observed({ db: ready, web: ready }));
    expect(stage.state).toBe("stopping.halting");
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(askedOf(stage, "stopMachine")).toEqual(["stopMachine web", "stopMachine db"]);
  });

  test("that cannot see what is left removes it", async () => {
    const stage = recovered({ was: "running" });

    await stage.fail("observe", portFailure("INFRASTRUCTURE_UNAVAILABLE"));
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(stage.context.failure).toMatchObject({ code: "INFRASTRUCTURE_UNAVAILABLE" });
  });

  test.each(["starting", "running"] as const)("of what was %s can be stopped at once", async (was) => {
    const stage = recovered({ was });

    stage.send(stop);
    expect(stage.transitions.at(-1)).toMatchObject({ to: "recovering.finishing", status: "STOPPING" });
    await stage.finish("observe", observed({ db: ready, web: ready }));
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(stage.context).toMatchObject({ failure: null, stopReason: stop.reason });
  });

  test("of a stop can be forced: nothing is looked at any more", async () => {
    const stage = recovered({ was: "stopping" });

    stage.send(stop);

    expect(stage.state).toBe("stopping.destroying.removing");
  });

  test("of a stop begins what was to come next, or what is asked for meanwhile", async () => {
    const plan = workspacePlan({ solo: {} });
    const kept = recovered({ was: "stopping", next: runOf("i-2", plan) });
    const asked = recovered({ was: "stopping" });
    asked.send(start("i-2", plan));

    for (const stage of [kept, asked]) {
      await stage.finish("observe", observed({}));
      await stage.finishAll();
      expect(stage.context.instanceId).toBe("i-2");
      expect(stage.state).toBe("running.steady");
    }
  });

  test("of a relaunch goes on with it: what still runs ends, what has ended is launched again", async () => {
    const plan = workspacePlan({ db: fragile, web: {}, job: {} }, { onFailure: "one-for-all" });
    const stage = recovered({ was: "relaunching" }, plan);
    const failure = { code: "MACHINE_EXITED" } as MachineFound["failure"];

    await stage.finish(
      "observe",
      observed({
        db: { ...newMachine, was: "failed", failure },
        web: ready,
        job: { ...newMachine, was: "stopped" },
      }),
    );
    expect(stage.state).toBe("starting.relaunching");
    await stage.finishAll();

    expect(stage.state).toBe("running.steady");
    expect(askedOf(stage, "bootMachine")).toEqual(["bootMachine db", "bootMachine web", "bootMachine job"]);
  });
});
