import { describe, expect, test } from "vitest";
import type { Failure } from "../../machines/failure.ts";
import type { Source } from "../../machines/port.ts";
import type { ActorRow, InstanceRow } from "../../src/journal/spi.ts";
import { sourceKey, type WorkspaceStatus } from "../../src/model/workspace.ts";
import { workspaceView } from "../../src/supervisor/view.ts";
import { explain } from "../../src/supervisor/why.ts";
import { environmentOf } from "../../src/testing/environment-of.ts";
import { instanceRow, workspaceRow } from "../journal/rows.ts";
import { actorRow } from "./rows.ts";

const own: Source = { kind: "workspace" };
const web: Source = { kind: "machine", machine: "web" };
const agent: Source = { kind: "installer", machine: "web", name: "agent" };
const http: Source = { kind: "server", machine: "web", name: "http" };
const environment = environmentOf({ machines: { web: { installers: [{ id: "agent" }], servers: { http: {} } } } });

function why(status: WorkspaceStatus, actors: readonly ActorRow[], instance: Partial<InstanceRow> = {}) {
  const row = workspaceRow("ws-1", { name: "shop", status });
  const byKey = new Map(actors.map((actor) => [sourceKey(actor.source), actor]));
  return explain(workspaceView(row, instanceRow("ws-1", "i-1", { environment, ...instance }), byKey), 12_000);
}

const failure = (source: Source, message: string): Failure => ({
  class: "infrastructure",
  code: "INSTALLER_FAILED",
  message,
  source,
  state: "active.running",
  at: 1,
  budgetMs: null,
  exit: null,
  lastLines: [],
});

describe("why", () => {
  test("a workspace that was never started is as it is", () => {
    const view = workspaceView(workspaceRow("ws-1", { name: "shop" }), undefined, new Map());

    expect(explain(view, 0)).toMatchObject({ summary: '"shop" is STOPPED: it was never started', leaf: null });
  });

  test("a workspace runs", () => {
    const { summary } = why("RUNNING", [
      actorRow(own, "running.steady", { status: "RUNNING" }),
      actorRow(web, "running.bootstrap.ready & connection.held", { status: "RUNNING" }),
    ]);

    expect(summary).toBe('"shop" is RUNNING: all machines are ready');
  });

  test("a start waits for a server, since when, how long it may, and what the last probe said", () => {
    const { summary, chain, leaf } = why("STARTING", [
      actorRow(own, "starting.initializing", { deadlineAt: 99_000, budgetMs: 99_000 }),
      actorRow(web, "running.bootstrap.checking & connection.held", { deadlineAt: 99_000, budgetMs: 99_000 }),
      actorRow(agent, "done", { status: "DONE" }),
      actorRow(http, "checking", {
        status: "UNKNOWN",
        deadlineAt: 180_000,
        budgetMs: 180_000,
        data: { lastProbe: "connection refused" },
      }),
    ]);

    expect(summary).toBe(
      '"shop" is STARTING: machine "web" waits for server "http": connection refused (12 s of 180 s)',
    );
    expect(chain.map(({ actor, elapsedMs }) => [actor, elapsedMs])).toEqual([
      ["workspace", 12_000],
      ["machine web", 12_000],
      ["server http", 12_000],
    ]);
    expect(leaf).toEqual({ machine: "web", installer: null });
  });

  test("a start waits for an installer, whose output is then read", () => {
    const { summary, leaf } = why("STARTING", [
      actorRow(own, "starting.initializing"),
      actorRow(web, "running.bootstrap.installing & connection.held", { deadlineAt: 1, budgetMs: 1 }),
      actorRow(agent, "active.running", { status: "RUNNING", at: 9_500, budgetMs: 5_000, deadlineAt: 14_500 }),
    ]);

    expect(summary).toBe('"shop" is STARTING: machine "web" waits for installer "agent" (2.5 s of 5.0 s)');
    expect(leaf).toEqual({ machine: "web", installer: "agent" });
  });

  test.each([
    [agent, ["workspace", "machine web", "installer agent"], { machine: "web", installer: "agent" }],
    [http, ["workspace", "machine web", "server http"], { machine: "web", installer: null }],
    [web, ["workspace", "machine web"], { machine: "web", installer: null }],
    [own, ["workspace"], null],
  ] as const)("a workspace failed, down to the part that did: %o", (source, actors, leaf) => {
    const told = why(
      "STOPPED",
      [actorRow(own, "stopped", { status: "STOPPED", failure: failure(source, "it went wrong") })],
      { stoppedAt: 5 },
    );

    expect(told.summary).toBe('"shop" is STOPPED: it went wrong');
    expect(told.chain.map(({ actor }) => actor)).toEqual(actors);
    expect(told.leaf).toEqual(leaf);
  });

  test("a workspace was stopped, and by whom", () => {
    const { summary } = why("STOPPED", [actorRow(own, "stopped", { status: "STOPPED" })], {
      stoppedAt: 5,
      stopReason: { by: "user", message: "Asked to" },
    });

    expect(summary).toBe('"shop" is STOPPED: Asked to (by user)');
  });

  test("a workspace stops, though a machine is at work still", () => {
    const { summary } = why(
      "STOPPING",
      [
        actorRow(own, "stopping.halting", { status: "STOPPING" }),
        actorRow(web, "stopping.terminating", { status: "RUNNING", deadlineAt: 15_000, budgetMs: 15_000 }),
      ],
      { stopReason: { by: "user", message: "Asked to" } },
    );

    expect(summary).toBe('"shop" is STOPPING: machine "web" is stopping.terminating (12 s of 15 s)');
  });
});
