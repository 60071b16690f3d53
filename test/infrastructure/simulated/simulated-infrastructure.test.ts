import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TroupeError } from "../../../src/errors.ts";
import { type SimulatedInfrastructure, simulatedInfrastructure } from "../../../src/infrastructure/simulated/index.ts";
import type { Instance, MachineFact } from "../../../src/infrastructure/spi.ts";
import { environmentOf, type MachineSketch, VirtualClock } from "../../../src/testing/index.ts";

const noProgress = () => {};
const forever = new AbortController().signal;
const unavailable = new TroupeError("INFRASTRUCTURE_UNAVAILABLE", "Cannot reach the engine");

function instanceOf(machines: Record<string, MachineSketch>, instanceId = "i-1", workspaceId = "w-1"): Instance {
  return { workspaceId, instanceId, workspaceName: "shop", owner: "ann", environment: environmentOf({ machines }) };
}

async function launch(infrastructure: SimulatedInfrastructure, instance: Instance): Promise<void> {
  await infrastructure.prepare(instance, forever, noProgress);
  for (const machine of Object.keys(instance.environment.machines)) {
    await infrastructure.createMachine(instance, machine, forever);
    await infrastructure.startMachine(instance, machine, forever);
  }
}

/** What becomes of a promise, to be looked at while time stands still. */
function follow<T>(work: Promise<T>) {
  const seen: { outcome: "pending" | "done" | "failed"; value?: T; error?: unknown } = { outcome: "pending" };
  work.then(
    (value) => Object.assign(seen, { outcome: "done", value }),
    (error: unknown) => Object.assign(seen, { outcome: "failed", error }),
  );
  return seen;
}

describe("simulatedInfrastructure()", () => {
  let clock: VirtualClock;
  let infrastructure: SimulatedInfrastructure;
  const instance = instanceOf({ web: { servers: { http: { port: 8080 } } } });

  beforeEach(() => {
    clock = new VirtualClock();
    infrastructure = simulatedInfrastructure({ clock });
  });

  afterEach(() => {
    expect(clock.pending).toBe(0);
  });

  describe("faults", () => {
    test("an operation takes the time it was given, on the clock", async () => {
      infrastructure = simulatedInfrastructure({ clock, latencyMs: { prepare: 100 } });
      infrastructure.inject({ operation: "prepare", delayMs: 50 });
      const prepared = follow(infrastructure.prepare(instance, forever, noProgress));

      await clock.advanceAsync(149);
      expect(prepared.outcome).toBe("pending");
      expect(infrastructure.world().instances).toEqual([]);
      expect(infrastructure.world().underWay).toMatchObject([
        { operation: "prepare", instanceId: "i-1", startedAt: 0 },
      ]);

      await clock.advanceAsync(1);
      expect(prepared.outcome).toBe("done");
      expect(infrastructure.world().underWay).toEqual([]);
    });

    test("an error strikes as often as it was asked to, and before there is an effect", async () => {
      infrastructure.inject({ operation: "prepare", error: unavailable, times: 2 });

      for (const _ of [1, 2]) {
        await expect(infrastructure.prepare(instance, forever, noProgress)).rejects.toBe(unavailable);
      }
      expect(infrastructure.world().instances).toEqual([]);

      await infrastructure.prepare(instance, forever, noProgress);
      expect(infrastructure.world().instances).toHaveLength(1);
    });

    test("an error after the effect leaves what was made", async () => {
      infrastructure.inject({ operation: "prepare", error: unavailable, afterEffect: true });

      await expect(infrastructure.prepare(instance, forever, noProgress)).rejects.toBe(unavailable);

      expect((await infrastructure.observe(instance, forever)).exists).toBe(true);
    });

    test("a fault strikes only the operation, instance and machine that it names", async () => {
      const two = instanceOf({ web: {}, db: {} });
      infrastructure.inject({ operation: "startMachine", instanceId: "i-1", machine: "db", error: unavailable });
      infrastructure.inject({ instanceId: "another", error: unavailable });

      await expect(launch(infrastructure, two)).rejects.toBe(unavailable);

      const { machines } = await infrastructure.observe(two, forever);
      expect(machines).toMatchObject({ web: { state: "running" }, db: { state: "created" } });
    });

    test("heal() takes back what has not struck", async () => {
      infrastructure.inject({ error: unavailable, times: Number.POSITIVE_INFINITY });
      await expect(infrastructure.identities(forever)).rejects.toBe(unavailable);

      infrastructure.heal();

      expect(await infrastructure.identities(forever)).toEqual([]);
    });

    test("an operation that never ends by itself ends when it is aborted, without effect", async () => {
      infrastructure.inject({ operation: "prepare", delayMs: Number.POSITIVE_INFINITY });
      const abort = new AbortController();
      const prepared = follow(infrastructure.prepare(instance, abort.signal, noProgress));
      await clock.advanceAsync(1_000_000);
      expect(prepared.outcome).toBe("pending");

      abort.abort(new Error("no longer wanted"));
      await clock.settle();

      expect(prepared).toMatchObject({ outcome: "failed", error: abort.signal.reason });
      expect(infrastructure.world()).toMatchObject({ instances: [], underWay: [] });
    });

    test("one that is late has its effect after the abort, and a repeated destroy removes it", async () => {
      await infrastructure.prepare(instance, forever, noProgress);
      infrastructure.inject({ operation: "createMachine", delayMs: 100, onAbort: "late" });
      const abort = new AbortController();
      const created = follow(infrastructure.createMachine(instance, "web", abort.signal));

      abort.abort(new Error("no longer wanted"));
      await clock.settle();
      expect(created).toMatchObject({ outcome: "failed", error: abort.signal.reason });
      expect(infrastructure.world().underWay).toMatchObject([{ operation: "createMachine", abandoned: true }]);

      await clock.advanceAsync(100);
      expect((await infrastructure.observe(instance, forever)).machines).toHaveProperty("web");

      expect(await infrastructure.destroy(instance, forever)).toEqual([]);
      expect(infrastructure.world().instances).toEqual([]);
    });

    test("a late preparation brings back an instance that was destroyed, until it is destroyed again", async () => {
      infrastructure.inject({ operation: "prepare", delayMs: 100, onAbort: "late" });
      const prepared = follow(infrastructure.prepare(instance, forever, noProgress));
      await infrastructure.destroy(instance, forever);

      await clock.advanceAsync(100);
      expect(prepared.outcome).toBe("done");
      expect(await infrastructure.identities(forever)).toEqual([{ workspaceId: "w-1", instanceId: "i-1" }]);

      await infrastructure.destroy(instance, forever);
      expect(await infrastructure.identities(forever)).toEqual([]);
    });

    test("what is under way for an instance that is destroyed fails, without effect", async () => {
      infrastructure.inject({ operation: "prepare", delayMs: 100 });
      const prepared = follow(infrastructure.prepare(instance, forever, noProgress));

      await infrastructure.destroy(instance, forever);
      await clock.advanceAsync(100);

      expect(prepared).toMatchObject({ outcome: "failed", error: { code: "INFRASTRUCTURE_UNAVAILABLE" } });
      expect(infrastructure.world().instances).toEqual([]);
    });

    test("hurry() ends the time that an operation takes", async () => {
      infrastructure.inject({ operation: "prepare", delayMs: Number.POSITIVE_INFINITY });
      const prepared = follow(infrastructure.prepare(instance, forever, noProgress));
      await clock.settle();
      expect(prepared.outcome).toBe("pending");

      infrastructure.hurry(3);
      await clock.settle();

      expect(prepared.outcome).toBe("done");
      infrastructure.hurry(0);
    });

    test("latency may be asked for each call", async () => {
      const asked: string[] = [];
      infrastructure = simulatedInfrastructure({ clock, latencyMs: (operation) => asked.push(operation) * 10 });
      const prepared = follow(infrastructure.prepare(instance, forever, noProgress));
      const seen = follow(infrastructure.identities(forever));

      await clock.advanceAsync(10);
      expect([prepared.outcome, seen.outcome]).toEqual(["done", "pending"]);
      await clock.advanceAsync(10);
      expect(asked).toEqual(["prepare", "identities"]);
    });

    test("work that fails in part has done its first part", async () => {
      await launch(infrastructure, instanceOf({ web: {}, db: {} }));
      infrastructure.inject({ operation: "destroy", inPart: true, error: unavailable });

      await expect(infrastructure.destroy(instance, forever)).rejects.toBe(unavailable);

      expect(Object.keys(infrastructure.world().instances[0]?.machines ?? {})).toEqual(["db"]);
      expect(await infrastructure.destroy(instance, forever)).toEqual([]);
    });

    test("a lie says that nothing is there, once", async () => {
      await launch(infrastructure, instance);
      infrastructure.inject({ operation: "observe", lies: true });
      infrastructure.inject({ operation: "identities", lies: true });

      expect(await infrastructure.observe(instance, forever)).toEqual({ exists: false, machines: {} });
      expect(await infrastructure.identities(forever)).toEqual([]);
      expect((await infrastructure.observe(instance, forever)).exists).toBe(true);
      expect(await infrastructure.identities(forever)).toHaveLength(1);
    });

    test.each([
      ["twice", ["away", "away", "back", "back", "exited", "exited"]],
      ["swapped", ["back", "away", "exited"]],
      ["broken", ["away"]],
    ] as const)("a watch whose reports are %s tells %j", async (reports, told) => {
      await launch(infrastructure, instance);
      infrastructure.inject({ operation: "watch", reports });
      const facts: MachineFact["type"][] = [];
      const watched = follow(
        (async () => {
          for await (const fact of infrastructure.watch(instance, "web", forever)) facts.push(fact.type);
        })(),
      );

      await clock.settle();
      infrastructure.away("i-1", "web", "The network is down");
      await clock.settle();
      infrastructure.back("i-1", "web");
      await clock.settle();
      infrastructure.crash("i-1", "web");
      await clock.settle();

      expect(facts).toEqual(told);
      expect(watched.outcome).toBe(reports === "broken" ? "failed" : "done");
    });

    test("a probe that fails is one that was not answered", async () => {
      await launch(infrastructure, instance);
      const { readiness } = instance.environment.machines["web"]?.servers["http"] ?? {};
      if (readiness === undefined) throw new Error("There is no such server");
      const address = { host: "127.0.0.1", port: 8080, url: "" };
      infrastructure.inject({ operation: "probe", error: unavailable });

      expect(await infrastructure.probe?.(readiness, address, forever)).toMatchObject({ passed: false });
      expect(await infrastructure.probe?.(readiness, address, forever)).toMatchObject({ passed: true });
    });

    test("what struck is counted by its kind, and so is every exit", async () => {
      infrastructure.inject({ operation: "prepare", delayMs: 5, error: unavailable, onAbort: "late" });
      const prepared = follow(infrastructure.prepare(instance, forever, noProgress));
      await clock.advanceAsync(5);
      expect(prepared.outcome).toBe("failed");
      await launch(infrastructure, instance);

      infrastructure.crash("i-1", "web", { code: 7 });

      expect([...infrastructure.struck]).toEqual([
        ["prepare is slow", 1],
        ["prepare fails", 1],
        ["prepare late", 1],
      ]);
      expect(infrastructure.exits).toMatchObject([{ instanceId: "i-1", machine: "web", exit: { code: 7, at: 5 } }]);
    });

    test("one that is deaf does not notice the abort at all", async () => {
      infrastructure.inject({ operation: "prepare", delayMs: 100, onAbort: "deaf" });
      const abort = new AbortController();
      const prepared = follow(infrastructure.prepare(instance, abort.signal, noProgress));
      abort.abort(new Error("no longer wanted"));

      await clock.advanceAsync(99);
      expect(prepared.outcome).toBe("pending");

      await clock.advanceAsync(1);
      expect(prepared.outcome).toBe("done");
    });
  });

  describe("controls", () => {
    test("crash() and finish() end a machine, and its watcher is told how", async () => {
      const two = instanceOf({ web: {}, job: {} });
      await launch(infrastructure, two);
      const facts: MachineFact[] = [];
      const watching = (async () => {
        for (const machine of ["web", "job"]) {
          for await (const fact of infrastructure.watch(two, machine, forever)) facts.push(fact);
        }
      })();

      infrastructure.crash("i-1", "web", { signal: "SIGKILL", oomKilled: true });
      infrastructure.finish("i-1", "job");
      await watching;

      expect(facts).toEqual([
        { type: "exited", exit: { code: null, signal: "SIGKILL", oomKilled: true, at: 0 } },
        { type: "exited", exit: { code: 0, signal: null, oomKilled: false, at: 0 } },
      ]);
    });

    test("a machine that is away runs on, cannot be used or removed, and shows its exit when it is back", async () => {
      await launch(infrastructure, instance);
      const facts: MachineFact[] = [];
      const watching = (async () => {
        for await (const fact of infrastructure.watch(instance, "web", forever)) facts.push(fact);
      })();

      infrastructure.away("i-1", "web", "the host does not answer");
      await clock.settle();
      expect(facts).toEqual([{ type: "away", reason: "the host does not answer" }]);
      await expect(infrastructure.stopMachine(instance, "web", 0, forever)).rejects.toMatchObject({
        code: "INFRASTRUCTURE_UNAVAILABLE",
      });
      expect(await infrastructure.destroy(instance, forever)).toEqual([
        { kind: "machine", id: "i-1/web", reason: "the host does not answer" },
      ]);

      infrastructure.crash("i-1", "web");
      await clock.settle();
      expect(facts).toHaveLength(1);

      infrastructure.back("i-1", "web");
      await watching;
      expect(facts.map((fact) => fact.type)).toEqual(["away", "back", "exited"]);
      expect(await infrastructure.destroy(instance, forever)).toEqual([]);
    });

    test("a jammed machine is a leak until it is not", async () => {
      await launch(infrastructure, instance);
      infrastructure.jam("i-1", "web", "its volume is busy");

      expect(await infrastructure.destroy(instance, forever)).toMatchObject([{ reason: "its volume is busy" }]);
      expect((await infrastructure.observe(instance, forever)).exists).toBe(true);

      infrastructure.jam("i-1", "web", null);
      expect(await infrastructure.destroy(instance, forever)).toEqual([]);
      expect(infrastructure.world()).toEqual({ instances: [], volumes: [], ports: [], underWay: [] });
    });

    test("destroy() removes all but the machines that are stuck", async () => {
      const two = instanceOf({ web: {}, db: {} });
      await launch(infrastructure, two);
      infrastructure.jam("i-1", "db", "its volume is busy");

      await infrastructure.destroy(two, forever);

      expect(Object.keys((await infrastructure.observe(two, forever)).machines)).toEqual(["db"]);
    });

    test("a server answers while its machine runs, unless it is told not to", async () => {
      const address = { host: "127.0.0.1", port: 8080 };
      expect(infrastructure.probeServer(address)).toBe(false);

      await launch(infrastructure, instance);
      expect(infrastructure.probeServer(address)).toBe(true);

      infrastructure.serve("i-1", "web", "http", false);
      expect(infrastructure.probeServer(address)).toBe(false);

      infrastructure.serve("i-1", "web", "http", true);
      infrastructure.crash("i-1", "web");
      expect(infrastructure.probeServer(address)).toBe(false);
    });

    test("print() lets a machine and its installers write", async () => {
      await launch(infrastructure, instance);
      infrastructure.print("i-1", "web", "from the machine");
      infrastructure.print("i-1", "web", "from the tool", "tool");

      const texts: string[] = [];
      for await (const record of infrastructure.output(instance, "web", {}, { follow: false, tail: 1 }, forever)) {
        if (record.type === "lines") texts.push(...record.lines.map(({ installer, text }) => `${installer}: ${text}`));
      }

      expect(texts).toEqual(["null: from the machine", "tool: from the tool"]);
    });

    test("what is not there cannot be controlled", () => {
      expect(() => infrastructure.crash("i-1", "web")).toThrow('instance "i-1" has none');
    });
  });

  test("output beyond its limit is dropped, and the gap is told", async () => {
    infrastructure = simulatedInfrastructure({ clock, outputLimitBytes: 10 });
    await launch(infrastructure, instanceOf({ web: { command: ["count", "9", "0"] } }));
    await clock.settle();

    const records = [];
    for await (const record of infrastructure.output(instance, "web", { "": 2 }, { follow: false }, forever)) {
      records.push(record);
    }

    expect(records[0]).toEqual({ type: "gap", machine: "web", installer: null, from: 2, to: 8 });
    expect(records[1]?.type === "lines" && records[1].lines.map((line) => line.text)).toEqual([
      "5",
      "6",
      "7",
      "8",
      "9",
    ]);
  });

  describe("programs", () => {
    test("a script runs on the clock, and decides when its server answers and how it ends", async () => {
      infrastructure = simulatedInfrastructure({
        clock,
        programs: {
          "web-server": async (process) => {
            process.serve("http", false);
            await process.sleep(500);
            process.serve("http", true);
            process.onTerminate(() => process.print("not yet"));
            await process.sleep(1_000);
            return 3;
          },
        },
      });
      const scripted = instanceOf({ web: { command: ["web-server"], servers: { http: { port: 8080 } } } });
      await launch(infrastructure, scripted);

      await clock.advanceAsync(499);
      expect(infrastructure.probeServer({ host: "127.0.0.1", port: 8080 })).toBe(false);
      await clock.advanceAsync(1);
      expect(infrastructure.probeServer({ host: "127.0.0.1", port: 8080 })).toBe(true);
      const stopped = follow(infrastructure.stopMachine(scripted, "web", 60_000, forever));
      await clock.advanceAsync(1_000);

      expect(stopped.outcome).toBe("done");
      expect(infrastructure.world().instances[0]?.machines["web"]?.exit).toMatchObject({ code: 3, at: 1_500 });
    });

    test("an exec is scripted by its id, runs once, and is shown", async () => {
      let runs = 0;
      infrastructure = simulatedInfrastructure({
        clock,
        execs: {
          "org.example.tool": async (process) => {
            runs += 1;
            await process.sleep(100);
            return 0;
          },
        },
      });
      await launch(infrastructure, instance);
      const request = { id: "org.example.tool", command: ["/bin/sh", "install.sh"], env: {} };
      const exits = [1, 2].map(() => follow(infrastructure.exec(instance, "web", request, forever)));
      await clock.settle();
      expect(infrastructure.world().instances[0]?.machines["web"]?.execs).toEqual({ "org.example.tool": null });

      await clock.advanceAsync(100);

      expect(exits.map((exit) => exit.value?.code)).toEqual([0, 0]);
      expect(runs).toBe(1);
    });

    test("a script that throws prints why and ends with code 1", async () => {
      infrastructure = simulatedInfrastructure({
        clock,
        programs: {
          broken: () => {
            throw new Error("no such file");
          },
        },
      });
      await launch(infrastructure, instanceOf({ web: { command: ["broken"] } }));
      await clock.settle();

      expect(infrastructure.world().instances[0]?.machines["web"]?.exit).toMatchObject({ code: 1 });
    });
  });

  describe("reopen()", () => {
    test("cuts off the caller before: what was under way takes effect, nothing new does, and nothing settles", async () => {
      await launch(infrastructure, instance);
      infrastructure.inject({ operation: "removeMachine", delayMs: 100 });
      const before: { readonly outcome: string }[] = [
        follow(infrastructure.removeMachine(instance, "web", forever)),
        follow(infrastructure.watch(instance, "web", forever)[Symbol.asyncIterator]().next()),
      ];
      await clock.settle();

      const next = infrastructure.reopen();
      before.push(follow(infrastructure.destroy(instance, forever)));
      expect(await next.identities(forever)).toHaveLength(1);
      await clock.advanceAsync(100);

      expect((await next.observe(instance, forever)).machines).toEqual({});
      expect(before.map(({ outcome }) => outcome)).toEqual(["pending", "pending", "pending"]);
      expect((await next.observe(instance, forever)).exists).toBe(true);
    });
  });

  describe("violations", () => {
    test("a supervisor that keeps the rules has none", async () => {
      const ordered = instanceOf({ db: {}, web: { dependsOn: { db: "started" } } });
      await launch(infrastructure, ordered);
      const next = infrastructure.reopen();
      await next.startMachine(ordered, "web", forever);
      await next.destroy(ordered, forever);
      await next.removeVolumes("w-1", forever);
      await launch(next, instanceOf({ web: {} }, "i-2"));

      expect(next.violations).toEqual([]);
    });

    test("starting a machine that one knows to run", async () => {
      await launch(infrastructure, instance);
      await infrastructure.startMachine(instance, "web", forever);

      expect(infrastructure.violations).toMatchObject([{ rule: "a machine is started once" }]);
    });

    test("starting a machine while it is removed", async () => {
      await launch(infrastructure, instance);
      infrastructure.crash("i-1", "web");
      infrastructure.inject({ operation: "removeMachine", delayMs: 10 });
      const removed = infrastructure.removeMachine(instance, "web", forever);
      await infrastructure.startMachine(instance, "web", forever);
      await clock.advanceAsync(10);
      await removed;

      expect(infrastructure.violations).toMatchObject([{ rule: "one operation at a time on a machine" }]);
    });

    test("starting before a dependency has started, or is completed", async () => {
      const machines = { web: { dependsOn: { db: "started", job: "completed" } }, db: {}, job: {} } as const;
      await launch(infrastructure, instanceOf(machines));

      expect(infrastructure.violations.map(({ rule, message }) => `${rule}: ${message}`)).toEqual([
        'dependencies start first: "web" starts before "db" is started',
        'dependencies start first: "web" starts before "job" is completed',
      ]);
    });

    test("a second live instance of a workspace", async () => {
      await launch(infrastructure, instanceOf({ web: {} }, "i-1"));
      await launch(infrastructure, instanceOf({ web: {} }, "i-2"));

      expect(infrastructure.violations).toMatchObject([{ rule: "one live instance per workspace" }]);
    });

    test("an instance that is said to be another workspace's is not touched", async () => {
      await launch(infrastructure, instance);
      const wrong = { instanceId: "i-1", workspaceId: "w-2" };

      await expect(infrastructure.destroy(wrong, forever)).rejects.toMatchObject({ class: "internal" });

      expect(infrastructure.violations).toMatchObject([{ rule: "instances keep their workspace" }]);
      expect((await infrastructure.observe(instance, forever)).exists).toBe(true);
    });

    test("an exec id for two commands", async () => {
      await launch(infrastructure, instance);
      for (const command of [["one"], ["two"]]) {
        await infrastructure.exec(instance, "web", { id: "tool", command, env: {} }, forever);
      }

      expect(infrastructure.violations).toMatchObject([{ rule: "an exec id names one command" }]);
    });

    test("removing the volumes of a workspace that still has an instance", async () => {
      await launch(infrastructure, instance);
      await infrastructure.removeVolumes("w-1", forever);

      expect(infrastructure.violations).toMatchObject([{ rule: "volumes go last" }]);
    });
  });
});
