import { describe, expect, test } from "vitest";
import type { Exit } from "../../machines/failure.ts";
import type { MachineFound } from "../../machines/machine.ts";
import { exitOf, type MachineSketch, machinePlan, newMachine, portFailure } from "./plans.ts";
import { Stage } from "./stage.ts";

const probed = { type: "probe.answered", message: "connection accepted" };

function machine(sketch: MachineSketch = {}, found: Partial<MachineFound> = {}): Stage {
  return Stage.machine({ plan: machinePlan("web", sketch), found: { ...newMachine, ...found } });
}

/** On its way: nothing is done of what it asks for first. */
function started(sketch: MachineSketch = {}): Stage {
  const stage = machine(sketch);
  stage.send({ type: "machine.start" });
  return stage;
}

/** Its servers have answered, its installers are done. */
async function ready(sketch: MachineSketch = {}): Promise<Stage> {
  const stage = started(sketch);
  await stage.finishAll();
  for (const { port, tell } of stage.open) if (port === "probe") tell(probed);
  expect(stage.state).toBe("running.bootstrap.ready & connection.held");
  return stage;
}

/** Its main process ends. */
function exits(stage: Stage, exit: Exit | null, lastLines: readonly string[] = []): void {
  const at = exit?.at ?? stage.clock.now();
  stage.tell("watchMachine web", { type: "watch.exited", exit, at, lastLines } as never);
}

/** Through all that a restart clears up, to the end of its back-off. */
async function restarted(stage: Stage): Promise<void> {
  await stage.finish("killMachine web");
  await stage.finish("removeMachine web");
  stage.clock.advance(10_000);
  await stage.finishAll();
}

const typesOf = (stage: Stage): string[] => stage.reports.map(({ type }) => type);

describe("a machine that starts", () => {
  test("waits until it may, then is made, step by step", async () => {
    const stage = machine();
    expect(stage.state).toBe("waiting");
    expect(stage.asked).toEqual([]);

    stage.send({ type: "machine.start" });
    await stage.finishAll();

    expect(stage.asked).toEqual(["fetchImage web", "createMachine web", "bootMachine web", "watchMachine web"]);
    expect(typesOf(stage)).toEqual(["machine.booted", "machine.ready"]);
  });

  test("runs its installers one after the other, and then checks its servers", async () => {
    const stage = started({ installers: ["tools", "agent"], servers: ["http"] });

    await stage.finishAll(["runScript"]);
    expect(stage.open.filter(({ port }) => port === "runScript").map(({ input }) => input.installer)).toEqual([
      "tools",
    ]);
    await stage.finish("runScript web tools");
    await stage.finish("awaitServers web tools");
    expect(stage.stateOf("installer agent")).toBe("active.running");
    expect(stage.stateOf("server http")).toBe("unknown");
    await stage.finishAll();
    expect(stage.state).toBe("running.bootstrap.checking & connection.held");
    stage.tell("probe web http", probed);

    expect(stage.state).toBe("running.bootstrap.ready & connection.held");
    expect(typesOf(stage)).toEqual(["machine.booted", "machine.ready"]);
  });

  test("knows its addresses and attributes once it runs, and its servers too", async () => {
    const stage = started({ servers: ["http"] });
    const urls = { http: "http://127.0.0.1:32768" };

    await stage.finish("fetchImage web");
    await stage.finish("createMachine web");
    await stage.finish("bootMachine web", { urls, attributes: { pid: "7" } });

    expect(stage.context).toMatchObject({ urls, attributes: { pid: "7" } });
    expect(stage.actor.getSnapshot().children["server http"].getSnapshot().context.url).toBe(urls.http);
  });

  test("fails when its process ends before it is ready, and is not restarted", async () => {
    const stage = started({ servers: ["http"] });
    await stage.finishAll();

    exits(stage, exitOf(1, 5), ["no such table"]);
    expect(stage.state).toBe("stopping.killing");
    await stage.finishAll();

    expect(stage.state).toBe("failed");
    expect(stage.reports.at(-1)).toMatchObject({
      type: "machine.failed",
      machine: "web",
      failure: {
        code: "MACHINE_EXITED",
        message: 'Machine "web" exited with code 1',
        source: { kind: "machine", machine: "web" },
        at: 5,
        exit: { code: 1 },
        lastLines: ["no such table"],
      },
    });
  });

  test("fails with what its installer failed with", async () => {
    const stage = started({ installers: ["agent"] });
    await stage.finishAll(["runScript"]);

    await stage.finish("runScript web agent", { exit: exitOf(2), lastLines: [] });
    await stage.finishAll();

    expect(stage.reports.at(-1)).toMatchObject({
      failure: { code: "INSTALLER_FAILED", source: { kind: "installer", machine: "web", name: "agent" } },
    });
  });

  test("fails with what its server failed with", async () => {
    const stage = started({ servers: ["http"] });
    await stage.finishAll();

    await stage.expire("web http checking");
    await stage.finishAll();

    expect(stage.reports.at(-1)).toMatchObject({
      failure: { code: "SERVER_NOT_READY", source: { kind: "server", machine: "web", name: "http" } },
    });
  });

  test("fails as out of memory when the kernel says so", async () => {
    const stage = started({ servers: ["http"] });
    await stage.finishAll();

    exits(stage, exitOf(null, 5, { signal: "SIGKILL", oomKilled: true }));

    expect(stage.context.failure).toMatchObject({ code: "MACHINE_OUT_OF_MEMORY", class: "infrastructure" });
  });
});

/** How to bring a machine into each state in which it waits for a port, and the port. */
const working: readonly (readonly [state: string, port: string, through: readonly string[]])[] = [
  ["starting.image", "fetchImage web", []],
  ["starting.creating", "createMachine web", ["fetchImage web"]],
  ["starting.booting", "bootMachine web", ["fetchImage web", "createMachine web"]],
];

describe.each(working)("a machine in %s", (state, port, through) => {
  async function there(): Promise<Stage> {
    const stage = started();
    for (const name of through) await stage.finish(name);
    expect(stage.state).toBe(state);
    return stage;
  }

  test("that is stopped lets go of its work, and clears what may still come of it", async () => {
    const stage = await there();
    const { signal } = stage.call(port);

    stage.send({ type: "machine.stop" });
    expect(signal.aborted).toBe(true);
    expect(stage.state).toBe("stopping.terminating");
    await stage.finishAll();

    expect(stage.state).toBe("stopped");
    expect(stage.asked.slice(-2)).toEqual(["stopMachine web", "removeMachine web"]);
    expect(typesOf(stage)).toEqual(["machine.stopped"]);
  });

  test("that is killed does not ask first", async () => {
    const stage = await there();

    stage.send({ type: "machine.kill" });
    await stage.finishAll();

    expect(stage.asked).not.toContain("stopMachine web");
    expect(stage.asked.slice(-2)).toEqual(["killMachine web", "removeMachine web"]);
    expect(stage.state).toBe("stopped");
  });

  test("fails with class, code and state, and clears what it began", async () => {
    const stage = await there();

    await stage.fail(port, portFailure("INFRASTRUCTURE_UNAVAILABLE", { at: 9 }));
    await stage.finishAll();

    expect(stage.asked.slice(-2)).toEqual(["killMachine web", "removeMachine web"]);
    expect(stage.reports).toMatchObject([
      {
        type: "machine.failed",
        failure: {
          class: "infrastructure",
          code: "INFRASTRUCTURE_UNAVAILABLE",
          source: { kind: "machine", machine: "web" },
          state,
          at: 9,
        },
      },
    ]);
  });

  test("fails as a fault of ours when the error is none that is known", async () => {
    const stage = await there();

    await stage.fail(port, new TypeError("x is not a function"));

    expect(stage.context.failure).toMatchObject({
      class: "internal",
      code: "INTERNAL",
      message: "x is not a function",
    });
  });
});

/** Every state that waits, where its budget leads, and how the machine ends. */
const budgets: readonly (readonly [deadline: string, to: string, reach: () => Promise<Stage> | Stage])[] = [
  ["waiting", "stopping.killing", () => machine()],
  ["starting.image", "stopping.killing", () => started()],
  ["starting.creating", "stopping.killing", () => through(started(), "fetchImage")],
  ["starting.booting", "stopping.killing", () => through(started(), "fetchImage", "createMachine")],
  ["running.bootstrap.installing", "stopping.killing", () => all(started({ installers: ["agent"] }), "runScript")],
  ["running.bootstrap.checking", "stopping.killing", () => all(started({ servers: ["http"] }))],
  ["running.connection.lost", "restarting.killing", () => lost()],
  ["restarting.killing", "stopping.killing", () => crashed()],
  ["restarting.removing", "stopping.killing", async () => through(await crashed(), "killMachine")],
  ["stopping.terminating", "stopping.killing", () => stopping("machine.stop")],
  ["stopping.killing", "stopping.removing", () => stopping("machine.kill")],
  ["stopping.removing", "stopped", async () => through(await stopping("machine.kill"), "killMachine")],
];

async function through(stage: Stage, ...ports: readonly string[]): Promise<Stage> {
  for (const port of ports) await stage.finish(`${port} web`);
  return stage;
}

async function all(stage: Stage, ...held: readonly string[]): Promise<Stage> {
  await stage.finishAll(held);
  return stage;
}

async function lost(): Promise<Stage> {
  const stage = await ready();
  stage.tell("watchMachine web", { type: "watch.away", reason: "connection reset" } as never);
  return stage;
}

async function crashed(sketch: MachineSketch = {}): Promise<Stage> {
  const stage = await ready(sketch);
  exits(stage, exitOf(1, stage.clock.now()));
  expect(stage.state).toBe("restarting.killing");
  return stage;
}

async function stopping(command: string): Promise<Stage> {
  const stage = await ready();
  stage.send({ type: command });
  return stage;
}

test.each(budgets)("the budget of %s leads to %s", async (deadline, to, reach) => {
  const stage = await reach();
  expect(stage.state.split(" & ").some((region) => deadline.endsWith(region.replace("running.", "")))).toBe(true);

  await stage.expire(`web ${deadline}`);

  expect(stage.state).toBe(to);
});

test("every deadline of the chart is in the table above", () => {
  const named = new Set(budgets.map(([deadline]) => deadline));

  expect(named.size).toBe(12);
});

describe("a machine that crashes", () => {
  test("is cleared, pauses and starts again, its installers and servers too", async () => {
    const stage = await crashed({ installers: ["agent"], servers: ["http"] });
    expect(stage.stateOf("installer agent")).toBe("done");
    expect(stage.stateOf("server http")).toBe("ended");

    await restarted(stage);
    stage.tell("probe web http", probed);

    expect(stage.state).toBe("running.bootstrap.ready & connection.held");
    expect(stage.asked.filter((name) => name === "runScript web agent")).toHaveLength(2);
    expect(typesOf(stage)).toEqual(["booted", "ready", "away", "booted", "ready"].map((name) => `machine.${name}`));
    expect(stage.context.failure).toBeNull();
  });

  test("pauses twice as long each time", async () => {
    const stage = await ready({ restart: { maxRestarts: 4, backoffMs: 100, maxBackoffMs: 350 } });

    for (const pauseMs of [100, 200, 350, 350]) {
      exits(stage, exitOf(1, stage.clock.now()));
      await stage.finish("killMachine web");
      await stage.finish("removeMachine web");
      stage.clock.advance(pauseMs - 1);
      expect(stage.state).toBe("restarting.pausing");
      stage.clock.advance(1);
      expect(stage.state).toBe("starting.image");
      await stage.finishAll();
    }
  });

  test("more often than its budget allows has failed, and says with what", async () => {
    const stage = await ready({ restart: { maxRestarts: 2, withinMs: 60_000 } });

    for (const code of [1, 2]) {
      exits(stage, exitOf(code, stage.clock.now()));
      await restarted(stage);
    }
    exits(stage, exitOf(3, stage.clock.now()));
    await stage.finishAll();

    expect(stage.state).toBe("failed");
    expect(stage.reports.at(-1)).toMatchObject({ type: "machine.failed", failure: { exit: { code: 3 } } });
  });

  test("seldom enough is restarted for ever", async () => {
    const stage = await ready({ restart: { maxRestarts: 1, withinMs: 60_000 } });

    for (const code of [1, 2, 3]) {
      exits(stage, exitOf(code, stage.clock.now()));
      await restarted(stage);
      stage.clock.advance(60_000);
    }

    expect(stage.state).toBe("running.bootstrap.ready & connection.held");
  });

  test("is given up when what is left of it cannot be removed", async () => {
    const stage = await crashed();

    await stage.finish("killMachine web");
    await stage.fail("removeMachine web");
    await stage.finishAll();

    expect(stage.state).toBe("failed");
  });

  test.each(["restarting.killing", "restarting.removing", "restarting.pausing"])(
    "can be stopped in %s",
    async (state) => {
      const stage = await crashed();
      if (state !== "restarting.killing") await stage.finish("killMachine web");
      if (state === "restarting.pausing") await stage.finish("removeMachine web");
      expect(stage.state).toBe(state);

      stage.send({ type: "machine.stop" });
      await stage.finishAll();
      stage.clock.advance(60_000);

      expect(stage.state).toBe("stopped");
    },
  );
});

describe("the end of a machine's process", () => {
  test.each([
    ["transient", 0, "completed"],
    ["transient", 1, "restarting.killing"],
    ["permanent", 0, "restarting.killing"],
    ["permanent", 1, "restarting.killing"],
    ["temporary", 0, "completed"],
    ["temporary", 1, "failed"],
  ] as const)("is what its policy makes of it: %s, code %i → %s", async (restart, code, state) => {
    const stage = await ready({ restart: { restart } });

    exits(stage, exitOf(code, stage.clock.now()));
    await stage.finishAll(state.startsWith("restarting") ? ["killMachine"] : []);

    expect(stage.state).toBe(state);
  });

  test("that nobody saw is a crash", async () => {
    const stage = await ready();

    exits(stage, null);

    expect(stage.state).toBe("restarting.killing");
    expect(stage.context.failure.message).toBe('Machine "web" is gone, and nobody saw how it ended');
  });
});

describe("a machine whose connection is lost", () => {
  test("says so, and that it is ready when it is found again", async () => {
    const stage = await lost();
    expect(stage.isBusy).toBe(true);

    stage.tell("watchMachine web", { type: "watch.back" });

    expect(typesOf(stage)).toEqual(["machine.booted", "machine.ready", "machine.away", "machine.ready"]);
  });

  test("while it gets ready is not ready when it is found again", async () => {
    const stage = started({ servers: ["http"] });
    await stage.finishAll();

    stage.tell("watchMachine web", { type: "watch.away", reason: "connection reset" } as never);
    stage.tell("watchMachine web", { type: "watch.back" });

    expect(typesOf(stage)).toEqual(["machine.booted", "machine.away", "machine.booted"]);
  });
});

describe("a machine that is stopped", () => {
  test("ends its installers and servers with it", async () => {
    const stage = started({ installers: ["agent"], servers: ["http"] });
    await stage.finishAll(["runScript"]);

    stage.send({ type: "machine.stop" });

    expect(stage.stateOf("installer agent")).toBe("interrupted");
    expect(stage.stateOf("server http")).toBe("ended");
  });

  test("is killed by a second command, or when it does not end", async () => {
    const forced = await stopping("machine.stop");
    forced.send({ type: "machine.kill" });
    const deaf = await stopping("machine.stop");
    await deaf.fail("stopMachine web");

    expect(forced.state).toBe("stopping.killing");
    expect(deaf.state).toBe("stopping.killing");
  });

  test("has stopped even if nothing could be removed: the destruction of the instance will, or list it", async () => {
    const stage = await stopping("machine.stop");

    await stage.fail("stopMachine web");
    await stage.fail("killMachine web");
    await stage.fail("removeMachine web");

    expect(stage.state).toBe("stopped");
  });

  test("while it clears up a failure has failed all the same", async () => {
    const stage = started();
    await stage.fail("fetchImage web");

    stage.send({ type: "machine.stop" });
    await stage.finishAll();

    expect(stage.state).toBe("failed");
  });

  test("is still shown as running until it is gone", async () => {
    const stage = await stopping("machine.stop");

    expect(stage.transitions.at(-1)).toMatchObject({ to: "stopping.terminating", status: "RUNNING" });
  });
});

describe("a machine that is found again", () => {
  const servers = { http: "stopped" } as const;

  test("ready and running is adopted: no installer runs, no readiness is checked", () => {
    const stage = machine({ installers: ["agent"], servers: ["http"] }, { was: "ready", is: "running", servers });

    expect(stage.state).toBe("running.bootstrap.ready & connection.held");
    expect(stage.stateOf("installer agent")).toBe("done");
    expect(stage.stateOf("server http")).toBe("live.stopped");
    expect(stage.asked.sort()).toEqual(["probe web http", "watchMachine web"]);
    expect(typesOf(stage)).toEqual(["machine.booted", "machine.ready"]);
  });

  test.each(["exited", "absent"] as const)("%s, though it had been ready, is noticed by its watcher", async (is) => {
    const stage = machine({}, { was: "ready", is });

    exits(stage, is === "exited" ? exitOf(1, 40) : null);

    expect(stage.state).toBe("restarting.killing");
  });

  test.each(["absent", "created", "running", "exited"] as const)(
    "%s while it was stopping goes on with that, and claims nothing of its installers and servers",
    (is) => {
      const stage = machine({ installers: ["agent"], servers: ["http"] }, { was: "stopping", is });

      expect(stage.state).toBe("stopping.terminating");
      expect(stage.asked).toEqual(["stopMachine web"]);
      expect(typesOf(stage)).toEqual([]);
    },
  );

  test("ready is installed anew when it is restarted after that", async () => {
    const stage = machine({ installers: ["agent"] }, { was: "ready", is: "running" });

    exits(stage, exitOf(1, stage.clock.now()));
    await restarted(stage);

    expect(stage.asked).toContain("runScript web agent");
    expect(stage.state).toBe("running.bootstrap.ready & connection.held");
  });

  test("running before it was ready goes on with its installers", () => {
    const stage = machine({ installers: ["agent"] }, { was: "starting", is: "running" });

    expect(stage.state).toBe("running.bootstrap.installing & connection.held");
    expect(stage.call("runScript web agent").signal.aborted).toBe(false);
  });

  test.each(["absent", "created"] as const)("%s before it was ready waits to be started", (is) => {
    const stage = machine({}, { was: "starting", is });

    expect(stage.state).toBe("waiting");
  });

  test.each(["completed", "failed", "stopped"] as const)("as %s stays so, and asks for nothing", (was) => {
    const stage = machine({}, { was });

    expect(stage.state).toBe(was);
    expect(typesOf(stage)).toEqual([`machine.${was}`]);
    expect(stage.open).toEqual([]);
  });

  test.each(["completed", "failed", "stopped"] as const)(
    "as %s, with something left of it, is cleared first",
    async (was) => {
      const stage = machine({}, { was, is: "running" });

      expect(stage.state).toBe("stopping.killing");
      expect(stage.reports).toEqual([]);
      await stage.finishAll();

      expect(stage.state).toBe(was);
      expect(stage.asked).toEqual(["killMachine web", "removeMachine web"]);
    },
  );

  test("exited, by a crash that was counted already, goes on with its restart", async () => {
    const stage = machine(
      { restart: { maxRestarts: 1 } },
      { was: "starting", is: "exited", crashes: [40], exit: exitOf(1, 40) },
    );
    expect(stage.state).toBe("restarting.killing");

    await restarted(stage);

    expect(stage.context.crashes).toEqual([40]);
    expect(typesOf(stage)).toEqual(["machine.away", "machine.booted", "machine.ready"]);
  });
});
