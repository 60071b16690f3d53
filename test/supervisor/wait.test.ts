import { describe, expect, test } from "vitest";
import type { Failure } from "../../machines/failure.ts";
import type { ServerStatus, WorkspaceView } from "../../src/model/workspace.ts";
import { workspaceView } from "../../src/supervisor/view.ts";
import { verdict } from "../../src/supervisor/wait.ts";
import { environmentOf } from "../../src/testing/environment-of.ts";
import { instanceRow, workspaceRow } from "../journal/rows.ts";
import { actorRow } from "./rows.ts";

const environment = environmentOf({ machines: { web: { servers: { http: {} } } } });

function view(status: WorkspaceView["status"], more: Partial<WorkspaceView> & { server?: ServerStatus } = {}) {
  const { server = "UNKNOWN", ...rest } = more;
  const http = { kind: "server", machine: "web", name: "http" } as const;
  const actors = new Map([["server web http", actorRow(http, "checking", { status: server })]]);
  return {
    ...workspaceView(
      workspaceRow("ws-1", { name: "shop", status }),
      instanceRow("ws-1", "i-1", { environment }),
      actors,
    ),
    ...rest,
  };
}

const server = { for: "server", machine: "web", server: "http", status: "RUNNING" } as const;

describe("waiting until a workspace runs", () => {
  test.each([
    ["STARTING", "waits"],
    ["STOPPING", "waits"], // a start may follow
    ["RUNNING", "holds"],
  ] as const)("while it is %s: %s", (status, expected) => {
    const now = view(status);

    expect(verdict(now, { for: "running" })).toEqual(expected === "holds" ? { holds: now } : "waits");
  });

  test("is over when it has stopped, with its failure", () => {
    const failure = { message: "the port is taken" } as Failure;

    expect(verdict(view("STOPPED", { failure }), { for: "running" })).toMatchObject({
      code: "WAIT_FAILED",
      message: 'Workspace "shop" is STOPPED: the port is taken',
      details: { failure },
    });
  });

  test("goes on when it has stopped and a start is to follow", () => {
    expect(verdict(view("STOPPED", { nextInstanceId: "i-2" }), { for: "running" })).toBe("waits");
  });
});

describe("waiting until a workspace has stopped", () => {
  test.each([
    ["RUNNING", null, "waits"],
    ["STOPPING", null, "waits"],
    ["STOPPED", "i-2", "waits"],
    ["STOPPED", null, "holds"],
  ] as const)("%s, next %s: %s", (status, nextInstanceId, expected) => {
    const now = view(status, { nextInstanceId });

    expect(verdict(now, { for: "stopped" })).toEqual(expected === "holds" ? { holds: now } : "waits");
  });
});

describe("waiting for a server", () => {
  test.each([
    ["UNKNOWN", "waits"],
    ["STOPPED", "waits"],
    ["RUNNING", "holds"],
  ] as const)("that is %s: %s", (status, expected) => {
    const now = view("RUNNING", { server: status });

    expect(verdict(now, server)).toEqual(expected === "holds" ? { holds: now } : "waits");
  });

  test.each([
    { ...server, server: "https" },
    { ...server, machine: "db" },
  ])("that is not there fails at once: %o", (condition) => {
    expect(verdict(view("RUNNING"), condition)).toMatchObject({ code: "NOT_FOUND" });
  });

  test("is over when the workspace has stopped", () => {
    expect(verdict(view("STOPPED"), server)).toMatchObject({ code: "WAIT_FAILED" });
  });
});
