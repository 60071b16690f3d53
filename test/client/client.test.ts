import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient, type TroupeClient } from "../../src/client/index.ts";
import { type FakeServer, fakeServer, problem } from "./fake-server.ts";
import { workspaceView } from "./views.ts";

let server: FakeServer;
let client: TroupeClient;

beforeEach(async () => {
  server = await fakeServer();
  client = createClient({ url: server.url, token: "secret" });
});
afterEach(() => server.close());

describe("the client", () => {
  const config = { name: "shop" };
  const calls: [string, (client: TroupeClient) => Promise<unknown>, string, object][] = [
    ["health", (c) => c.health(), "GET /v1/health", {}],
    ["list", (c) => c.list({ owner: "ann", limit: 5 }), "GET /v1/workspaces", { query: { owner: "ann", limit: "5" } }],
    [
      "create",
      (c) => c.create(config, { start: true }),
      "POST /v1/workspaces",
      { query: { start: "true" }, body: JSON.stringify(config) },
    ],
    ["get", (c) => c.get("ann/my shop"), "GET /v1/workspaces/ann%2Fmy%20shop", {}],
    ["config", (c) => c.config("shop"), "GET /v1/workspaces/shop/config", {}],
    [
      "update",
      (c) => c.update("shop", config, { version: 3 }),
      "PUT /v1/workspaces/shop",
      { body: JSON.stringify(config) },
    ],
    ["delete", (c) => c.delete("shop"), "DELETE /v1/workspaces/shop", {}],
    ["start", (c) => c.start("shop", { priority: 2 }), "POST /v1/workspaces/shop/start", { body: '{"priority":2}' }],
    ["stop", (c) => c.stop("shop", { force: true }), "POST /v1/workspaces/shop/stop", { body: '{"force":true}' }],
    ["why", (c) => c.why("shop"), "GET /v1/workspaces/shop/why", {}],
    [
      "events",
      (c) => c.events("shop", { after: "e.7" }),
      "GET /v1/workspaces/shop/events",
      { query: { after: "e.7" } },
    ],
    [
      "logs",
      (c) => c.logs("shop", { machine: "web", tail: 3 }),
      "GET /v1/workspaces/shop/logs",
      { query: { machine: "web", tail: "3" } },
    ],
    ["leaks", (c) => c.leaks(), "GET /v1/leaks", {}],
    ["validate", (c) => c.validate(config), "POST /v1/validate", { body: JSON.stringify(config) }],
    ["openapi", (c) => c.openapi(), "GET /v1/openapi.json", {}],
    ["metrics", (c) => c.metrics(), "GET /metrics", {}],
  ];

  test.each(calls)("%s asks as the protocol says, with its token", async (_name, call, request, expected) => {
    const [method, path] = request.split(" ");
    server.on(request, { body: {} });

    await call(client);

    expect(server.requests).toMatchObject([{ method, path, ...expected }]);
    expect(server.requests[0]?.headers.authorization).toBe("Bearer secret");
  });

  test("sends an object as JSON and text as YAML", async () => {
    server.on("POST /v1/workspaces", { status: 201, body: workspaceView() });

    await client.create({ name: "shop" });
    await client.create("name: shop");

    expect(server.requests.map(({ headers }) => headers["content-type"])).toEqual([
      "application/json",
      "application/yaml",
    ]);
  });

  test("names the version it updates", async () => {
    server.on("PUT /v1/workspaces/shop", { body: workspaceView() });

    await client.update("shop", {}, { version: 3 });

    expect(server.requests[0]?.headers["if-match"]).toBe('"3"');
  });

  test("keeps a path in the server's URL", async () => {
    server.on("GET /troupe/v1/leaks", { body: { leaks: [] } });

    expect(await createClient({ url: `${server.url}/troupe` }).leaks()).toEqual([]);
  });

  test.each(["server", "machine/with/slash"])("waits for a server of machine %s", async (machine) => {
    server.on("GET /v1/workspaces/shop/wait", { body: workspaceView() });

    await client.wait("shop", { for: "server", machine, server: "http", status: "RUNNING" });

    expect(server.requests[0]?.query).toEqual({ for: `${machine}/http=running`, timeoutMs: "50000" });
  });

  test("asks again while a long wait is not over", async () => {
    let polls = 0;
    server.on("GET /v1/workspaces/shop/wait", () =>
      ++polls < 3 ? problem(408, "WAIT_TIMEOUT", "Not yet") : { body: workspaceView() },
    );

    const view = await client.wait("shop", { for: "running" }, { timeoutMs: 600_000 });

    expect([view.status, polls]).toEqual(["RUNNING", 3]);
  });

  test("fails a wait whose time is over", async () => {
    server.on("GET /v1/workspaces/shop/wait", problem(408, "WAIT_TIMEOUT", "Not within 10 ms"));

    const waiting = client.wait("shop", { for: "running" }, { timeoutMs: 10 });

    await expect(waiting).rejects.toMatchObject({ code: "WAIT_TIMEOUT", message: "Not within 10 ms" });
  });

  test("throws the server's error with its code, details and problems", async () => {
    const problems = [{ path: "environment.machines.web", message: "is unknown" }];
    server.on("POST /v1/validate", problem(400, "CONFIG_INVALID", "Cannot use it", { problems, details: { a: 1 } }));

    const validating = client.validate({});

    await expect(validating).rejects.toMatchObject({
      name: "TroupeError",
      code: "CONFIG_INVALID",
      message: "Cannot use it",
      problems,
      details: { a: 1 },
    });
  });

  test("takes a code it does not know for INTERNAL", async () => {
    server.on("GET /v1/leaks", problem(418, "TEAPOT", "Short and stout"));

    await expect(client.leaks()).rejects.toMatchObject({ code: "INTERNAL", message: "Short and stout" });
  });

  test("reads the health of a server that is closing", async () => {
    server.on("GET /v1/health", { status: 503, body: { status: "closing" } });

    expect(await client.health()).toEqual({ status: "closing" });
  });

  test("says that nobody listens", async () => {
    const gone = await fakeServer();
    await gone.close();

    await expect(createClient({ url: gone.url }).leaks()).rejects.toMatchObject({
      code: "SERVER_UNREACHABLE",
      message: `Cannot reach the server at "${gone.url}": connect ECONNREFUSED ${new URL(gone.url).host}`,
    });
  });

  test("says that something else answers", async () => {
    server.on("GET /v1/leaks", { status: 404, contentType: "text/html", body: "<h1>It works!</h1>" });

    await expect(client.leaks()).rejects.toMatchObject({ code: "SERVER_UNREACHABLE" });
  });

  test("passes the reason of an aborted signal through", async () => {
    const reason = new Error("changed my mind");
    server.on("GET /v1/leaks", () => new Promise(() => {})); // never answers
    const controller = new AbortController();

    const asking = client.leaks(controller.signal);
    controller.abort(reason);

    await expect(asking).rejects.toBe(reason);
  });

  test.each(["", ".", ".."])("finds no workspace named %j, and asks nobody about it", async (key) => {
    await expect(client.delete(key)).rejects.toMatchObject({ code: "WORKSPACE_NOT_FOUND" });

    expect(server.requests).toEqual([]);
  });
});
