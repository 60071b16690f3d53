import { describe, expect, test } from "vitest";
import type { Failure } from "../../machines/failure.ts";
import type { Source } from "../../machines/port.ts";
import type { ActorRow, InstanceRow } from "../../src/journal/spi.ts";
import { sourceKey } from "../../src/model/workspace.ts";
import { workspaceView } from "../../src/supervisor/view.ts";
import { environmentOf } from "../../src/testing/environment-of.ts";
import { instanceRow, T0, workspaceRow } from "../journal/rows.ts";
import { actorRow } from "./rows.ts";

const environment = environmentOf({
  machines: { web: { installers: [{ id: "agent" }], servers: { http: {} }, attributes: { size: "small" } } },
});
const own: Source = { kind: "workspace" };
const web: Source = { kind: "machine", machine: "web" };
const agent: Source = { kind: "installer", machine: "web", name: "agent" };
const http: Source = { kind: "server", machine: "web", name: "http" };

function viewOf(actors: readonly ActorRow[], instance: Partial<InstanceRow> = {}) {
  const row = workspaceRow("ws-1", { name: "shop", status: "RUNNING", instanceId: "i-1" });
  const byKey = new Map(actors.map((actor) => [sourceKey(actor.source), actor]));
  return workspaceView(row, instanceRow("ws-1", "i-1", { environment, ...instance }), byKey);
}

describe("a workspace", () => {
  test("that was never started is stopped, and has no machines", () => {
    const view = workspaceView(workspaceRow("ws-1"), undefined, new Map());

    expect(view).toMatchObject({
      status: "STOPPED",
      state: "stopped",
      desired: "stopped",
      instanceId: null,
      startedAt: null,
      since: T0,
      machines: {},
    });
  });

  test("shows its chart's state, since when, and until when it may last", () => {
    const view = viewOf([actorRow(own, "starting.launching", { at: 5, deadlineAt: 65, budgetMs: 60 })]);

    expect(view).toMatchObject({ state: "starting.launching", since: 5, deadlineAt: 65, budgetMs: 60 });
  });

  test("shows the failure and the reason of its last transition before those of its record", () => {
    const failure = { code: "PORT_TAKEN" } as Failure;
    const view = viewOf([actorRow(own, "stopping.halting", { failure })], { failure: { code: "INTERNAL" } as Failure });

    expect(view.failure).toBe(failure);
  });

  test("whose instance has ended wants nothing any more", () => {
    const view = viewOf([], { desired: "running", stoppedAt: 9 });

    expect(view.desired).toBe("stopped");
  });
});

describe("a machine", () => {
  test("that has not begun is pending, with all its parts", () => {
    const { web: machine } = viewOf([]).machines;

    expect(machine).toMatchObject({
      state: "pending",
      status: "STOPPED",
      since: T0,
      restarts: 0,
      attributes: { size: "small" },
      installers: { agent: { state: "pending", status: "STARTING", version: "1.0.0" } },
      servers: { http: { state: "pending", status: "UNKNOWN", url: null, lastProbe: null } },
    });
  });

  test("shows what its actors told last", () => {
    const { web: machine } = viewOf([
      actorRow(web, "running", { status: "RUNNING", data: { attributes: { pid: "7" }, crashes: [1, 2], exit: null } }),
      actorRow(agent, "done", { status: "DONE" }),
      actorRow(http, "live.running", { status: "RUNNING", data: { url: "http://localhost:1", lastProbe: "answered" } }),
    ]).machines;

    expect(machine).toMatchObject({
      status: "RUNNING",
      restarts: 2,
      attributes: { size: "small", pid: "7" },
      installers: { agent: { status: "DONE" } },
      servers: { http: { status: "RUNNING", url: "http://localhost:1", lastProbe: "answered" } },
    });
  });

  test("of an instance that has ended does not run, even if it never said so", () => {
    const { web: machine } = viewOf(
      [
        actorRow(web, "stopping.killing", { status: "RUNNING", deadlineAt: 9, budgetMs: 9 }),
        actorRow(agent, "active.running", { status: "RUNNING" }),
        actorRow(http, "live.running", { status: "RUNNING" }),
      ],
      { stoppedAt: 50 },
    ).machines;

    expect(machine).toMatchObject({
      status: "STOPPED",
      deadlineAt: null,
      installers: { agent: { status: "FAILED" } },
      servers: { http: { status: "STOPPED" } },
    });
  });

  test("of an instance that has ended keeps how it ended", () => {
    const { web: machine } = viewOf(
      [actorRow(web, "failed", { status: "FAILED" }), actorRow(agent, "done", { status: "DONE" })],
      { stoppedAt: 50 },
    ).machines;

    expect(machine).toMatchObject({ status: "FAILED", installers: { agent: { status: "DONE" } } });
  });
});
