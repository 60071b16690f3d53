import { describe, expect, test } from "vitest";
import type { MachineFound } from "../../machines/machine.ts";
import type { Source } from "../../machines/port.ts";
import type { ObservedMachine } from "../../src/infrastructure/spi.ts";
import type { ActorRow } from "../../src/journal/spi.ts";
import { foundMachine, foundMachines, recoveredOf } from "../../src/supervisor/recovery.ts";
import { environmentOf } from "../../src/testing/environment-of.ts";
import { instanceRow } from "../journal/rows.ts";
import { exitOf } from "../machines/plans.ts";
import { actorRow } from "./rows.ts";

const environment = environmentOf({ machines: { db: {}, web: { servers: { http: {} } } } });
const own: Source = { kind: "workspace" };
const web: Source = { kind: "machine", machine: "web" };

function foundWeb(actors: readonly ActorRow[], observed?: ObservedMachine): MachineFound {
  const { web: spec } = environment.machines;
  if (spec === undefined) throw new Error('The environment has no machine "web"');
  return foundMachine(spec, actors, observed);
}

describe("what a workspace goes on with", () => {
  test.each([
    ["starting.queued", "STARTING", "starting"],
    ["starting.initializing", "STARTING", "starting"],
    ["recovering.resuming", "STARTING", "starting"],
    ["starting.relaunching", "STARTING", "relaunching"],
    ["recovering.relaunching", "STARTING", "relaunching"],
    ["running.steady", "RUNNING", "running"],
    ["running.interrupted", "RUNNING", "running"],
    ["recovering.adopting", "RUNNING", "running"],
    ["stopping.halting", "STOPPING", "stopping"],
    ["recovering.finishing", "STOPPING", "stopping"],
  ] as const)("is what it was about when it was last heard of: %s (%s) → %s", (state, status, was) => {
    const recovered = recoveredOf(instanceRow("ws-1", "i-1"), [actorRow(own, state, { status })], undefined);

    expect(recovered.was).toBe(was);
  });

  test("is a start when nothing was heard of it but the intent", () => {
    const recovered = recoveredOf(instanceRow("ws-1", "i-1"), [], undefined);

    expect(recovered).toMatchObject({ was: "starting", stopReason: null, failure: null, next: null, relaunches: [] });
  });

  test("is a stop that was asked for, though the chart had not heard of it yet", () => {
    const stopReason = { by: "user", message: "Asked to" } as const;
    const row = instanceRow("ws-1", "i-1", { desired: "stopped", forced: true, stopReason });

    const recovered = recoveredOf(row, [actorRow(own, "running.steady", { status: "RUNNING" })], undefined);

    expect(recovered).toMatchObject({ was: "running", isForced: true, stopReason });
  });

  test("is a stop that the chart began by itself, with the reason that it told", () => {
    const data = { stopReason: { by: "failure", message: "It failed" } };

    const recovered = recoveredOf(
      instanceRow("ws-1", "i-1"),
      [actorRow(own, "stopping.halting", { status: "STOPPING", data })],
      undefined,
    );

    expect(recovered.stopReason).toEqual(data.stopReason);
  });

  test("always has a reason to stop, if it stops", () => {
    const recovered = recoveredOf(
      instanceRow("ws-1", "i-1"),
      [actorRow(own, "stopping.halting", { status: "STOPPING" })],
      undefined,
    );

    expect(recovered.stopReason?.by).toBe("supervisor");
  });

  test("has the relaunches that count, and what is to come next", () => {
    const recovered = recoveredOf(
      instanceRow("ws-1", "i-1"),
      [actorRow(own, "stopping.halting", { status: "STOPPING", data: { relaunches: [7] } })],
      instanceRow("ws-1", "i-2"),
    );

    expect(recovered).toMatchObject({ relaunches: [7], run: { instanceId: "i-1" }, next: { instanceId: "i-2" } });
  });
});

describe("what a machine goes on with", () => {
  const was = (state: string, status: string, data = {}) => foundWeb([actorRow(web, state, { status, data })]).was;

  test.each([
    ["waiting", "STARTING", "starting"],
    ["starting.booting", "STARTING", "starting"],
    ["running.bootstrap.installing & connection.held", "STARTING", "starting"],
    ["running.bootstrap.checking & connection.lost", "STARTING", "starting"],
    ["running.bootstrap.ready & connection.held", "RUNNING", "ready"],
    ["running.bootstrap.ready & connection.lost", "RUNNING", "ready"],
    ["restarting.killing", "STARTING", "starting"],
    ["completed", "STOPPED", "completed"],
    ["failed", "FAILED", "failed"],
    ["stopped", "STOPPED", "stopped"],
  ])("is what it was: %s → %s, %s", (state, status, expected) => {
    expect(was(state, status)).toBe(expected);
  });

  test.each([
    ["completed", "completed"],
    ["failed", "failed"],
    ["stopped", "stopping"], // whether it had got ready or not
  ])("that was being cleared, to end %s, was %s", (outcome, expected) => {
    expect(was("stopping.killing", "RUNNING", { outcome })).toBe(expected);
  });

  test("that nobody has heard of is new, and absent", () => {
    expect(foundWeb([])).toMatchObject({ was: "new", is: "absent", crashes: [], exit: null });
  });

  test("is what the infrastructure shows, with its addresses", () => {
    const observed: ObservedMachine = {
      state: "running",
      started: {
        addresses: { http: { host: "localhost", port: 1, url: "http://localhost:1" } },
        warnings: [],
        attributes: { pid: "7" },
      },
      exit: null,
    };

    expect(foundWeb([], observed)).toMatchObject({
      is: "running",
      urls: { http: "http://localhost:1" },
      attributes: { pid: "7" },
    });
  });

  test("knows how it ended, how often it crashed, and how its servers were", () => {
    const exit = exitOf(1, 40);
    const found = foundWeb(
      [
        actorRow(web, "running.bootstrap.ready & connection.held", { status: "RUNNING", data: { crashes: [40] } }),
        actorRow({ kind: "server", machine: "web", name: "http" }, "live.stopped", { status: "STOPPED" }),
        actorRow({ kind: "server", machine: "db", name: "sql" }, "live.stopped", { status: "STOPPED" }),
      ],
      { state: "exited", started: null, exit },
    );

    expect(found).toMatchObject({ is: "exited", exit, crashes: [40], servers: { http: "stopped" } });
  });

  test("is said for every machine of the environment, seen or not", () => {
    const found = foundMachines(instanceRow("ws-1", "i-1", { environment }), [], {
      exists: true,
      machines: { db: { state: "created", started: null, exit: null } },
    });

    expect(Object.entries(found).map(([name, { is }]) => [name, is])).toEqual([
      ["db", "created"],
      ["web", "absent"],
    ]);
  });
});
