import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FakeServer, fakeServer, problem, say } from "../client/fake-server.ts";
import { event, machineView, serverView, workspaceView } from "../client/views.ts";
import { jsonLines, runCommand } from "./run-command.ts";

let server: FakeServer;
let directory: string;

beforeEach(async () => {
  server = await fakeServer();
  server.on("GET /v1/health", { body: { outputUrl: server.url } });
  directory = await mkdtemp(join(tmpdir(), "troupe-cli-"));
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

/** A command against the fake server. */
function troupe(...args: string[]) {
  return runCommand(args, { env: { TROUPE_URL: server.url } }).finished;
}

const shop = workspaceView({
  machines: {
    store: machineView(),
    web: machineView({ servers: { http: serverView({ url: "http://127.0.0.1:20001/" }) } }),
  },
});

describe("the command line", () => {
  test.each([
    [[], 2],
    [["nonsense"], 2],
    [["status"], 2],
    [["list", "--status", "ASLEEP"], 2],
    [["wait", "shop"], 2],
    [["wait", "shop", "--for", "coffee"], 2],
    [["wait", "shop", "--for", "running", "--timeout", "soon"], 2],
    [["logs", "shop", "--tail", "0"], 2],
    [["serve", "--port", "70000"], 2],
    [["serve", "--port", "8o"], 2],
    [["serve", "--infrastructure", "cloud"], 2],
    [["serve", "--concurrent-starts", "none"], 2],
    [["up", "x.yaml", "--serve", "--detach"], 2],
    [["up", "x.yaml", "--once", "--detach"], 2],
    [["list", "--url", "nowhere"], 2],
    [["list", "--url", "file:///etc/passwd"], 2],
    [["--help"], 0],
    [["up", "--help"], 0],
    [["--version"], 0],
  ])("%j exits with %d", async (args, code) => {
    expect((await runCommand(args).finished).code).toBe(code);
  });

  test("the help lists the exit codes", async () => {
    const { stdout } = await runCommand(["--help"]).finished;

    for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130, 143])
      expect(stdout).toMatch(new RegExp(`^ {2}${code} `, "m"));
  });

  test.each([
    ["WORKSPACE_NOT_FOUND", 404, 3],
    ["REQUEST_INVALID", 400, 4],
    ["WAIT_TIMEOUT", 408, 5],
    ["WAIT_FAILED", 409, 6],
    ["UNAUTHENTICATED", 401, 8],
    ["FORBIDDEN", 403, 8],
    ["WORKSPACE_CONFLICT", 409, 9],
    ["LIMIT_REACHED", 429, 1],
    ["INTERNAL", 500, 1],
  ])("the server's %s (%d) exits with %d", async (code, status, exitCode) => {
    server.on("GET /v1/workspaces/shop", problem(status, code, "Cannot do it: because"));

    expect(await troupe("status", "shop")).toEqual({
      code: exitCode,
      stdout: "",
      stderr: "error: Cannot do it: because\n",
    });
  });

  test("a server that is not there exits with 7", async () => {
    await server.close();
    const { code, stderr } = await troupe("status", "shop");
    server = await fakeServer();

    expect(code).toBe(7);
    expect(stderr).toMatch(/^error: Cannot reach the server at "http:[^\n]+ECONNREFUSED[^\n]+\n$/);
  });

  test("flags win over the environment", async () => {
    server.on("GET /v1/leaks", { body: { leaks: [] } });
    const env = { TROUPE_URL: "http://127.0.0.1:1", TROUPE_TOKEN: "of the environment" };

    await runCommand(["leaks", "--url", server.url], { env }).finished;
    await runCommand(["leaks", "--url", server.url, "--token", "of the flag"], { env }).finished;

    const tokens = server.requests.map(({ headers }) => headers.authorization);
    expect(tokens).toEqual(["Bearer of the environment", "Bearer of the flag"]);
  });

  test("the stack is shown to those who debug, and to nobody else", async () => {
    server.on("GET /v1/leaks", problem(500, "INTERNAL", "Boom"));
    const env = { TROUPE_URL: server.url };

    const { stderr: plain } = await runCommand(["leaks"], { env }).finished;
    const { stderr: debug } = await runCommand(["leaks"], { env: { ...env, TROUPE_DEBUG: "1" } }).finished;

    expect(plain).toBe("error: Boom\n");
    expect(debug).toContain("    at ");
  });
});

describe("a workspace file", () => {
  test("is sent as it is written, with working directories beside it made absolute", async () => {
    server.on("POST /v1/workspaces", { status: 201, body: shop });
    const file = join(directory, "shop.yaml");
    await writeFile(
      file,
      "name: shop\nenvironment: {recipe: {type: process, content: {machines: {web: {workingDir: ./web}}}}}\n",
    );

    const { code } = await troupe("create", file);

    const machines = { web: { workingDir: join(directory, "web") } };
    expect(code).toBe(0);
    expect(JSON.parse(server.requests[0]?.body ?? "")).toEqual({
      name: "shop",
      environment: { recipe: { type: "process", content: { machines } } },
    });
  });

  test("that is invalid gets every problem on a line with its path, and exits with 4", async () => {
    const problems = [
      { path: "environment.machines.web.servers.http.port", message: "must be from 1 to 65535" },
      { path: "", message: "is too odd" },
    ];
    server.on("POST /v1/validate", problem(400, "CONFIG_INVALID", "Cannot use shop: port (and 1 more)", { problems }));
    const file = join(directory, "shop.yaml");
    await writeFile(file, "name: shop");

    expect(await troupe("validate", file)).toEqual({
      code: 4,
      stdout: "",
      stderr:
        "error: Cannot use shop:\n  environment.machines.web.servers.http.port: must be from 1 to 65535\n  is too odd\n",
    });
  });

  test("that is no YAML exits with 4 and names the place; none at all with 3", async () => {
    const file = join(directory, "shop.yaml");
    await writeFile(file, "name: shop\n  broken: [");

    const broken = await troupe("validate", file);
    const missing = await troupe("validate", join(directory, "none.yaml"));

    expect(broken.code).toBe(4);
    expect(broken.stderr).toMatch(/line 2/i);
    expect(missing.code).toBe(3);
    expect(server.requests).toEqual([]);
  });
});

describe("commands about a workspace", () => {
  beforeEach(() => server.on("GET /v1/workspaces/shop", { body: shop }));

  test("status --json is the view", async () => {
    const { stdout } = await troupe("status", "shop", "--json");

    expect(jsonLines(stdout)).toEqual([shop]);
    expect(jsonLines(stdout)).toMatchObject([
      {
        id: "ws-1",
        name: "shop",
        status: "RUNNING",
        instanceId: "in-1",
        machines: {
          web: { status: "RUNNING", servers: { http: { status: "RUNNING", url: "http://127.0.0.1:20001/" } } },
        },
      },
    ]);
  });

  test("status is a tree without colours where there is no terminal", async () => {
    const { stdout } = await troupe("status", "shop");

    expect(stdout.split("\n")[0]).toBe("● shop RUNNING");
    expect(stdout).not.toContain("\u001b");
  });

  test("list goes through all pages", async () => {
    server.on("GET /v1/workspaces", ({ query }) =>
      query["after"] === undefined
        ? { body: { workspaces: [shop], next: "p2" } }
        : { body: { workspaces: [{ ...shop, name: "other" }], next: null } },
    );

    const { stdout } = await troupe("list", "--json");

    expect(jsonLines(stdout)).toMatchObject([{ workspaces: [{ name: "shop" }, { name: "other" }] }]);
  });

  test("stop --force forces", async () => {
    server.on("POST /v1/workspaces/shop/stop", { status: 202, body: { ...shop, status: "STOPPING" } });

    expect((await troupe("stop", "shop", "--force")).stdout).toBe("shop is STOPPING  ws-1\n");
    expect(server.requests[0]?.body).toBe('{"force":true}');
  });

  test("wait passes the condition and the time on", async () => {
    server.on("GET /v1/workspaces/shop/wait", { body: shop });

    await troupe("wait", "shop", "--for", "dev/machine/http=stopped", "--timeout", "2s");

    expect(server.requests[0]?.query).toEqual({ for: "dev/machine/http=stopped", timeoutMs: "2000" });
  });

  test("why tells the chain, the last lines and the events", async () => {
    server.on("GET /v1/workspaces/shop/why", {
      body: {
        workspace: shop,
        summary: '"shop" is STARTING: machine "web" waits',
        chain: [{ actor: "machine web", state: "booting", message: "waits", elapsedMs: 1_000, budgetMs: 60_000 }],
        lastLines: ["hello\u001b[2J"],
        events: [event({ at: 0 })],
      },
    });

    expect((await troupe("why", "shop")).stdout).toBe(
      [
        '"shop" is STARTING: machine "web" waits',
        "  machine web booting  1.0 s of 60 s  waits",
        "Last lines:",
        "  | hello",
        "Last events:",
        "  1970-01-01T00:00:00.000Z  workspace  stopped → starting.queued  (workspace.start)",
        "",
      ].join("\n"),
    );
  });

  test("leaks says so when there are none", async () => {
    server.on("GET /v1/leaks", { body: { leaks: [] } });

    expect((await troupe("leaks")).stdout).toBe("Nothing is left behind.\n");
    expect((await troupe("leaks", "--json")).stdout).toBe('{"leaks":[]}\n');
  });

  test("delete succeeds without an answer's body", async () => {
    server.on("DELETE /v1/workspaces/shop", { status: 204, body: "" });

    expect(await troupe("delete", "shop")).toEqual({ code: 0, stdout: "shop is deleted\n", stderr: "" });
  });
});

describe("logs", () => {
  const line = (machine: string, text: string, more: object = {}) => ({
    machine,
    installer: null,
    position: 1,
    at: Date.now(),
    text,
    ...more,
  });

  beforeEach(() => {
    server.on("GET /v1/workspaces/shop", { body: shop });
    server.on("GET /v1/workspaces/ws-1/logs", ({ query }) =>
      query["cursor"] === "o.1"
        ? { body: { records: [{ type: "lines", lines: [line("store", "three")] }], cursor: "o.2", more: false } }
        : {
            body: {
              records: [
                {
                  type: "lines",
                  lines: [line("web", "one\u001b[2J", { at: 0 }), line("web", "seeded", { installer: "seed" })],
                },
                { type: "gap", machine: "web", installer: null, from: 10, to: 25 },
                { type: "lines", lines: [line("web", "two")] },
              ],
              cursor: "o.1",
              more: true,
            },
          },
    );
  });

  test("go through all pages, each line behind its machine's name, without what installers wrote", async () => {
    expect(await troupe("logs", "shop")).toEqual({
      code: 0,
      stdout: "web   | one\nweb   | two\nstore | three\n",
      stderr: "-- 15 bytes that web wrote are no longer kept --\n",
    });
  });

  test("of one machine come without a name", async () => {
    const { stdout } = await troupe("logs", "shop", "--machine", "web", "--tail", "5");

    expect(stdout.split("\n").slice(0, 2)).toEqual(["one", "two"]);
    expect(server.requests[1]?.query).toMatchObject({ machine: "web", tail: "5" });
  });

  test("--installers shows what installers wrote, marked", async () => {
    expect((await troupe("logs", "shop", "--machine", "web", "--installers")).stdout).toContain("\n[seed] seeded\n");
  });

  test("--raw leaves control characters in", async () => {
    expect((await troupe("logs", "shop", "--raw")).stdout).toContain("web   | one\u001b[2J\n");
  });

  test("--since takes a duration, or a cursor", async () => {
    expect((await troupe("logs", "shop", "--since", "10s")).stdout).toBe("web   | two\nstore | three\n");
    expect((await troupe("logs", "shop", "--since", "o.1")).stdout).toBe("store | three\n");
  });

  test("--json writes a line per line, and the cursor with the last of each batch", async () => {
    const { stdout } = await troupe("logs", "shop", "--json");

    expect(jsonLines(stdout)).toMatchObject([
      { type: "line", machine: "web", text: "one\u001b[2J" },
      { type: "gap", machine: "web", from: 10, to: 25 },
      { type: "line", machine: "web", text: "two", cursor: "o.1" },
      { type: "line", machine: "store", text: "three", cursor: "o.2" },
    ]);
  });

  test("of a machine that is not there exit with 3", async () => {
    expect(await troupe("logs", "shop", "--machine", "wbe")).toEqual({
      code: 3,
      stdout: "",
      stderr: 'error: Cannot find machine "wbe" in "shop": it has "store", "web"\n',
    });
  });

  test("-f follows until the output is complete", async () => {
    server.onSubscribe((socket) =>
      say(
        socket,
        { type: "subscribed" },
        { type: "output", records: [{ type: "lines", lines: [line("web", "live")] }], cursor: "o.3" },
        { type: "end" },
      ),
    );

    expect((await troupe("logs", "shop", "-f", "--since", "o.2")).stdout).toBe("web   | live\n");
    expect(server.subscriptions[0]?.message).toMatchObject({ topic: "output", workspace: "ws-1", since: "o.2" });
  });
});

describe("events", () => {
  beforeEach(() => {
    const body = {
      events: [event({ at: 0 }), event({ at: 1, position: 2, from: "a", to: "b", cause: "c" })],
      cursor: "e.2",
    };
    server.on("GET /v1/workspaces/shop/events", { body });
  });

  test("are a line each", async () => {
    expect((await troupe("events", "shop")).stdout).toBe(
      "1970-01-01T00:00:00.000Z  workspace  stopped → starting.queued  (workspace.start)\n" +
        "1970-01-01T00:00:00.001Z  workspace  a → b  (c)\n",
    );
  });

  test("-f goes on behind the last one, and tells gaps", async () => {
    server.onSubscribe((socket) =>
      say(
        socket,
        { type: "subscribed" },
        { type: "gap", from: "e.2", to: "e.8", reason: "retention" },
        { type: "snapshot", cursor: "e.8", workspaces: [shop], more: false },
        { type: "events", cursor: "e.9", events: [event({ position: 9 })] },
        { type: "end" },
      ),
    );

    const { stdout } = await troupe("events", "shop", "-f", "--json");

    expect(server.subscriptions[0]?.message).toMatchObject({ topic: "workspace", workspace: "shop", since: "e.2" });
    expect(jsonLines(stdout)).toMatchObject([
      { position: 1 },
      { position: 2, cursor: "e.2" },
      { type: "gap", from: "e.2", to: "e.8" },
      { position: 9, cursor: "e.9" },
    ]);
  });
});
