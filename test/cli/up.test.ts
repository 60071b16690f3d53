import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import type { WorkspaceView } from "../../src/model/workspace.ts";
import { type FakeServer, fakeServer, problem, say } from "../client/fake-server.ts";
import { event, machineView, workspaceView } from "../client/views.ts";
import { jsonLines, runCommand } from "./run-command.ts";

let server: FakeServer;
let directory: string;
let file: string;
/** The fake's one workspace, and who listens to it. */
let view: WorkspaceView;
let listener: { readonly socket: WebSocket; readonly policy: unknown } | undefined;

beforeEach(async () => {
  server = await fakeServer();
  directory = await mkdtemp(join(tmpdir(), "troupe-up-"));
  file = join(directory, "shop.yaml");
  await writeFile(file, "name: shop");

  view = workspaceView({ status: "STOPPED", state: "stopped", instanceId: null });
  server.on("POST /v1/workspaces", () => ({ status: 201, body: view }));
  server.on("GET /v1/workspaces/ws-1", () => ({ body: view }));
  server.on("POST /v1/workspaces/ws-1/start", () => {
    become({ status: "STARTING", state: "starting", instanceId: "in-1" });
    return { status: 202, body: view };
  });
  server.onSubscribe((socket, message) => {
    listener = { socket, policy: message["policy"] };
    say(socket, { type: "subscribed" }, { type: "snapshot", cursor: "e.0", workspaces: [view], more: false });
  });
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

/** Changes the workspace and tells who listens. */
function become(changes: Partial<WorkspaceView>): void {
  const from = view.state;
  view = { ...view, ...changes };
  const { status, state: to, failure, instanceId } = view;
  const update =
    listener?.policy === "state"
      ? { type: "state", workspaces: [view], deleted: [] }
      : { type: "events", events: [event({ instanceId, from, to, status, failure, at: 0, cause: "test" })] };
  if (listener !== undefined) say(listener.socket, { cursor: "e.1", ...update });
}

function up(flags: string[] = [], isTerminal = false) {
  return runCommand(["up", file, ...flags], { env: { TROUPE_URL: server.url, NO_COLOR: "1" }, isTerminal });
}

/** A busy computer takes its time to load a command. */
const eventually = (assertion: () => void) => vi.waitFor(assertion, { timeout: 20_000, interval: 5 });

const stops = () => server.requests.filter(({ path }) => path.endsWith("/stop")).map(({ body }) => body);

describe("up", () => {
  test("--detach returns once the workspace runs", async () => {
    const { finished } = up(["--detach"]);
    await eventually(() => expect(view.status).toBe("STARTING"));
    become({ status: "RUNNING", state: "running" });

    const { code, stdout } = await finished;

    expect(code).toBe(0);
    expect(stdout.split("\n")).toEqual([
      "1970-01-01T00:00:00.000Z  workspace  stopped → starting  (test)",
      "1970-01-01T00:00:00.000Z  workspace  starting → running  (test)",
      "",
    ]);
    expect(stops()).toEqual([]);
  });

  test("shows every transition, also where the workspace is ahead of what was told", async () => {
    server.on("POST /v1/workspaces/ws-1/start", () => {
      become({ status: "STARTING", state: "starting", instanceId: "in-1" });
      const body = view;
      become({ status: "RUNNING", state: "running" });
      return { status: 202, body };
    });

    const { code, stdout } = await up(["--detach"]).finished;

    expect(code).toBe(0);
    expect(stdout).toContain("stopped → starting");
    expect(stdout).toContain("starting → running");
  });

  test("--detach --json writes the workspace that runs, and nothing else", async () => {
    const { finished } = up(["--detach", "--json"]);
    await eventually(() => expect(view.status).toBe("STARTING"));
    become({ status: "RUNNING", state: "running" });

    expect(jsonLines((await finished).stdout)).toEqual([view]);
  });

  test("--once stops the workspace once it runs, and exits with 0", async () => {
    server.on("POST /v1/workspaces/ws-1/stop", () => {
      become({ status: "STOPPED", state: "stopped" });
      return { status: 202, body: view };
    });
    const { finished } = up(["--once"]);
    await eventually(() => expect(view.status).toBe("STARTING"));
    become({ status: "RUNNING", state: "running" });

    expect((await finished).code).toBe(0);
    expect(stops()).toEqual(['{"force":false}']);
  });

  test("updates a workspace that exists", async () => {
    server.on("POST /v1/workspaces", problem(409, "WORKSPACE_EXISTS", "There is one"));
    server.on("PUT /v1/workspaces/shop", () => ({ body: view }));
    const { finished } = up(["--detach"]);
    await eventually(() => expect(view.status).toBe("STARTING"));
    become({ status: "RUNNING", state: "running" });

    expect((await finished).code).toBe(0);
    expect(server.requests.find(({ method }) => method === "PUT")?.body).toBe('{"name":"shop"}');
  });

  test("a start that fails says why, and exits with 6", async () => {
    const { finished } = up();
    await eventually(() => expect(view.status).toBe("STARTING"));
    become({
      status: "STOPPED",
      state: "stopped",
      failure: {
        class: "infrastructure",
        code: "MACHINE_EXITED",
        message: 'Machine "web" exited with code 3',
        source: { kind: "machine", machine: "web" },
        state: "starting",
        at: 0,
        budgetMs: null,
        exit: null,
        lastLines: ["no such module"],
      },
    });

    const { code, stdout, stderr } = await finished;

    expect(code).toBe(6);
    expect(stderr).toBe('failed: Machine "web" exited with code 3\n');
    expect(stdout).toContain("| no such module\n");
  });

  test("the first Ctrl-C stops, the second forces, and it exits with 130", async () => {
    server.on("POST /v1/workspaces/ws-1/stop", ({ body }) => {
      if (body.includes("true")) become({ status: "STOPPED", state: "stopped" });
      else become({ status: "STOPPING", state: "stopping", desired: "stopped" });
      return { status: 202, body: view };
    });
    const { finished, interrupt } = up();
    await eventually(() => expect(view.status).toBe("STARTING"));
    become({ status: "RUNNING", state: "running" });

    interrupt("SIGINT");
    await eventually(() => expect(view.status).toBe("STOPPING"));
    interrupt("SIGINT");
    const { code, stderr } = await finished;

    expect(code).toBe(130);
    expect(stops()).toEqual(['{"force":false}', '{"force":true}']);
    expect(stderr).toContain("Stopping shop; once more ends it by force\nEnding shop by force");
  });

  test("the third Ctrl-C waits no longer", async () => {
    server.on("POST /v1/workspaces/ws-1/stop", () => ({ status: 202, body: view }));
    const { finished, interrupt } = up();
    await eventually(() => expect(view.status).toBe("STARTING"));

    for (const _press of [1, 2, 3]) interrupt("SIGINT");

    expect((await finished).code).toBe(130);
  });

  test("SIGTERM stops it as well, and it exits with 143", async () => {
    server.on("POST /v1/workspaces/ws-1/stop", () => {
      become({ status: "STOPPED", state: "stopped" });
      return { status: 202, body: view };
    });
    const { finished, interrupt } = up();
    await eventually(() => expect(view.status).toBe("STARTING"));

    interrupt("SIGTERM");

    expect((await finished).code).toBe(143);
  });

  test("a stop that is refused ends it with the server's error", async () => {
    server.on("POST /v1/workspaces/ws-1/stop", problem(403, "FORBIDDEN", "Not yours"));
    const { finished, interrupt } = up();
    await eventually(() => expect(view.status).toBe("STARTING"));

    interrupt("SIGINT");

    expect(await finished).toMatchObject({ code: 8, stderr: expect.stringContaining("error: Not yours\n") });
  });

  test("somebody else's stop ends it", async () => {
    const { finished } = up();
    await eventually(() => expect(view.status).toBe("STARTING"));
    become({ status: "RUNNING", state: "running", readyAt: 2_000 });
    become({ status: "STOPPED", state: "stopped", stopReason: { by: "user", message: "asked by ann" } });

    expect(await finished).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("shop was stopped: asked by ann\n"),
    });
  });

  test("waits for the start that follows a stop that is under way", async () => {
    server.on("POST /v1/workspaces/ws-1/start", () => {
      view = { ...view, status: "STOPPING", instanceId: "in-1", nextInstanceId: "in-2" };
      return { status: 202, body: view };
    });
    const { finished } = up(["--detach"]);
    await eventually(() => expect(view.status).toBe("STOPPING"));
    become({ status: "STOPPED", state: "stopped" });
    become({ status: "RUNNING", state: "running", instanceId: "in-2", nextInstanceId: null });

    expect((await finished).code).toBe(0);
  });

  test("on a terminal repaints a tree, and gives the cursor back", async () => {
    const { finished, written } = up(["--detach"], true);
    await eventually(() => expect(view.status).toBe("STARTING"));
    become({ machines: { web: machineView({ status: "STARTING", state: "booting" }) } });
    await eventually(() => expect(written()).toContain("web"));
    become({ status: "RUNNING", state: "running", machines: { web: machineView() } });

    const { code, stdout } = await finished;

    expect(code).toBe(0);
    expect(stdout).toContain("\u001b[?25l");
    expect(stdout.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
    expect(stdout.trimEnd().endsWith("● shop RUNNING\n└─ ● web RUNNING")).toBe(true);
  });
});
