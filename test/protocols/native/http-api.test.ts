import { setImmediate as turn } from "node:timers/promises";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TroupeError } from "../../../src/errors.ts";
import { loopbackAccess, tokenAccess } from "../../../src/protocols/native/access.ts";
import { httpApi } from "../../../src/protocols/native/http-api.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { FakeSupervisor } from "./fake-supervisor.ts";

const token = "s3cret";
const authorization = `Bearer ${token}`;
const headers = { authorization };
const yaml = "application/yaml";

describe("httpApi", () => {
  let supervisor: FakeSupervisor;
  let closing: AbortController;
  let app: Awaited<ReturnType<typeof httpApi>>;
  const logged: string[] = [];

  beforeEach(async () => {
    supervisor = new FakeSupervisor();
    closing = new AbortController();
    logged.length = 0;
    app = await httpApi({
      supervisor,
      access: tokenAccess(["other", token]),
      metrics: createMetrics(),
      logger: pino({ level: "trace" }, { write: (line: string) => void logged.push(line) }),
      outputUrl: (host) => `http://${host}:7481`,
      closing: closing.signal,
    });
  });
  afterEach(() => app.close());

  const get = (url: string) => app.inject({ url, headers });
  const post = (url: string, payload?: object | string, type = "application/json") =>
    app.inject({
      method: "POST",
      url,
      headers: { ...headers, ...(payload && { "content-type": type }) },
      payload: payload ?? "",
    });

  test("creates a workspace from JSON or YAML, and says where it is", async () => {
    const fromJson = await post("/v1/workspaces?owner=ann", { name: "shop" });
    const fromYaml = await post("/v1/workspaces", "name: counter", yaml);

    expect(fromJson.statusCode).toBe(201);
    expect(fromJson.headers.location).toBe("/v1/workspaces/id-shop");
    expect(fromJson.json()).toMatchObject({ name: "shop", owner: "ann", status: "STOPPED" });
    expect(fromYaml.json()).toMatchObject({ name: "counter" });
    expect((await get("/v1/workspaces/counter/config")).json()).toEqual({ name: "counter" });
  });

  test("start=true creates and starts, or does neither", async () => {
    expect((await post("/v1/workspaces?start=true", { name: "shop" })).json()).toMatchObject({ status: "STARTING" });

    supervisor.refusal = new TroupeError("LIMIT_REACHED", "Cannot start: too many run");
    expect((await post("/v1/workspaces?start=true", { name: "other" })).statusCode).toBe(429);
    expect((await get("/v1/workspaces/other")).statusCode).toBe(404);
  });

  test("a workspace is found by id, name and owner/name", async () => {
    await post("/v1/workspaces?owner=ann", { name: "shop" });

    for (const key of ["id-shop", "shop", "ann%2Fshop"]) {
      expect((await get(`/v1/workspaces/${key}`)).json()).toMatchObject({ id: "id-shop" });
    }
  });

  test("list passes its query on, and pages", async () => {
    for (const name of ["a", "b", "c"]) await post("/v1/workspaces", { name });

    const first = (await get("/v1/workspaces?limit=2&owner=ann&status=RUNNING")).json();
    expect(first).toMatchObject({ workspaces: [{ name: "a" }, { name: "b" }], next: expect.any(String) });
    expect(supervisor.calls).toContain('list {"owner":"ann","status":"RUNNING","limit":2}');
    expect((await get(`/v1/workspaces?limit=2&after=${first.next}`)).json()).toMatchObject({ next: null });
  });

  test("an update over another version is a conflict", async () => {
    await post("/v1/workspaces", { name: "shop" });
    const put = (version: string) =>
      app.inject({
        method: "PUT",
        url: "/v1/workspaces/shop",
        headers: { ...headers, "if-match": version },
        payload: { name: "shop" },
      });

    expect((await put('"1"')).json()).toMatchObject({ version: 2 });
    expect((await put('"1"')).json()).toMatchObject({
      code: "WORKSPACE_CONFLICT",
      status: 409,
      details: { current: 2 },
    });
    expect((await put("yesterday")).json()).toMatchObject({
      code: "REQUEST_INVALID",
      problems: [{ path: "headers.if-match" }],
    });
  });

  test("start and stop take their options, or no body at all", async () => {
    await post("/v1/workspaces", { name: "shop" });

    expect((await post("/v1/workspaces/shop/start", { priority: 3 })).statusCode).toBe(202);
    expect((await post("/v1/workspaces/shop/start")).statusCode).toBe(202);
    expect((await post("/v1/workspaces/shop/stop", { force: true })).json()).toMatchObject({ status: "STOPPING" });
    expect(supervisor.calls).toEqual([
      'start id-shop {"priority":3}',
      "start id-shop {}",
      'stop id-shop {"force":true}',
    ]);
  });

  test("delete answers once the workspace is gone", async () => {
    await post("/v1/workspaces", { name: "shop" });

    expect((await app.inject({ method: "DELETE", url: "/v1/workspaces/shop", headers })).statusCode).toBe(204);
    expect((await get("/v1/workspaces/shop")).json()).toMatchObject({ code: "WORKSPACE_NOT_FOUND" });
  });

  test("validate tells warnings, or every problem", async () => {
    expect((await post("/v1/validate", { name: "shop" })).json()).toEqual({
      warnings: [{ code: 5001, message: "no memory limit" }],
    });
    expect((await post("/v1/validate", {})).json()).toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("wait answers when the condition holds", async () => {
    await post("/v1/workspaces?start=true", { name: "shop" });
    const answer = get("/v1/workspaces/shop/wait?for=running");
    while (!supervisor.calls.some((call) => call.startsWith("wait"))) await turn();
    supervisor.move("id-shop", { status: "RUNNING", state: "running.steady" });

    expect((await answer).json()).toMatchObject({ status: "RUNNING" });
  });

  test("wait finds the slash between machine and server", async () => {
    await post("/v1/workspaces?start=true", { name: "shop" });
    const machine = { servers: { "agent/http": {} } };
    supervisor.move("id-shop", { machines: { "dev/web": machine } as never });
    await get("/v1/workspaces/shop/wait?timeoutMs=0&for=dev/web/agent/http=running");
    await get("/v1/workspaces/shop/wait?timeoutMs=0&for=new/server=stopped");

    expect(supervisor.calls.slice(1)).toEqual([
      'wait id-shop {"for":"server","machine":"dev/web","server":"agent/http","status":"RUNNING"}',
      'wait id-shop {"for":"server","machine":"new","server":"server","status":"STOPPED"}',
    ]);
  });

  test("a wait that takes too long is 408, and what it is for must make sense", async () => {
    await post("/v1/workspaces", { name: "shop" });

    expect((await get("/v1/workspaces/shop/wait?for=running&timeoutMs=1")).json()).toMatchObject({
      status: 408,
      code: "WAIT_TIMEOUT",
    });
    expect((await get("/v1/workspaces/shop/wait?for=dinner")).json()).toMatchObject({ code: "REQUEST_INVALID" });
  });

  test("a wait ends when the server closes", async () => {
    await post("/v1/workspaces", { name: "shop" });
    const answer = get("/v1/workspaces/shop/wait?for=running");
    while (supervisor.hub.subscribers === 0) await turn();
    closing.abort();

    expect((await answer).json()).toMatchObject({ status: 503, code: "SUPERVISOR_CLOSED" });
    while (supervisor.hub.subscribers > 0) await turn();
  });

  test("events are paged by cursor, and a cursor of another journal is gone", async () => {
    await post("/v1/workspaces?start=true", { name: "shop" });

    const first = (await get("/v1/workspaces/shop/events?limit=1")).json();
    expect(first).toMatchObject({ events: [{ position: 1 }], cursor: "e1.1" });
    const second = (await get(`/v1/workspaces/shop/events?after=${first.cursor}`)).json();
    expect(second).toMatchObject({ events: [{ position: 2 }], cursor: "e1.2" });
    expect((await get("/v1/workspaces/shop/events?after=e1.2")).json()).toEqual({ events: [], cursor: "e1.2" });
    expect((await get("/v1/workspaces/shop/events?after=e0.2")).json()).toMatchObject({
      status: 410,
      code: "CURSOR_GONE",
    });
    expect((await get("/v1/workspaces/shop/events?after=x")).json()).toMatchObject({
      status: 400,
      code: "REQUEST_INVALID",
    });
  });

  test("an export is of the whole workspace, or of one instance", async () => {
    await post("/v1/workspaces", { name: "shop" });
    await get("/v1/workspaces/shop/export?instanceId=i1");

    expect((await get("/v1/workspaces/shop/export")).json()).toMatchObject({
      format: "troupe-incident",
      workspace: { name: "shop" },
      events: [{ source: { kind: "workspace" } }],
    });
    expect(supervisor.calls).toEqual(['export id-shop {"instanceId":"i1"}', "export id-shop {}"]);
  });

  test("logs are paged by cursor, line by line", async () => {
    await post("/v1/workspaces?start=true", { name: "shop" });
    const texts = Array.from({ length: 120 }, (_, index) => `line ${index}`);
    supervisor.output("i1").print(...texts);

    const read: string[] = [];
    let page = { cursor: "", more: true };
    while (page.more) {
      page = (await get(`/v1/workspaces/shop/logs?limit=33${page.cursor && `&cursor=${page.cursor}`}`)).json();
      for (const { lines } of (page as unknown as { records: { lines: { text: string }[] }[] }).records) {
        read.push(...lines.map(({ text }) => text));
      }
    }
    expect(read).toEqual(texts);
    expect((await get("/v1/workspaces/shop/logs?tail=2")).json()).toMatchObject({
      records: [{ lines: [{ text: "line 118" }, {}] }],
    });
    expect((await get("/v1/workspaces/shop/logs?cursor=rubbish")).json()).toMatchObject({ code: "REQUEST_INVALID" });
  });

  test("the lines that were kept of an instance that is over are paged too", async () => {
    await post("/v1/workspaces?start=true", { name: "shop" });
    supervisor.output("i1").print("one", "two", "three");
    supervisor.output("i1").finish();

    const first = (await get("/v1/workspaces/shop/logs?limit=2")).json();
    expect(first).toMatchObject({ records: [{ lines: [{ text: "one" }, { text: "two" }] }], more: true });
    const second = (await get(`/v1/workspaces/shop/logs?limit=2&cursor=${first.cursor}`)).json();
    expect(second).toMatchObject({ records: [{ lines: [{ text: "three" }] }], more: false });
    expect((await get(`/v1/workspaces/shop/logs?cursor=${second.cursor}`)).json()).toMatchObject({ records: [] });
  });

  test("health needs no token, names the output listener, and is 503 while closing", async () => {
    const healthy = await app.inject({ url: "/v1/health", headers: { host: "example.org:7480" } });
    expect(healthy.statusCode).toBe(200);
    expect(healthy.json()).toMatchObject({ status: "ok", outputUrl: "http://example.org:7481" });

    supervisor.isClosing = true;
    expect((await app.inject("/v1/health")).statusCode).toBe(503);
  });

  test.each([
    ["no token", {}],
    ["another token", { authorization: "Bearer s3cres" }],
    ["part of the token", { authorization: "Bearer s3cre" }],
    ["another scheme", { authorization: `Basic ${token}` }],
  ])("with %s nothing is answered, not even that there is nothing", async (_, given) => {
    for (const url of ["/v1/workspaces", "/v1/openapi.json", "/metrics", "/nothing", `/v1/workspaces?token=${token}`]) {
      const answer = await app.inject({ url, headers: given });
      expect(answer.headers).toMatchObject({
        "content-type": expect.stringMatching(/^application\/problem\+json\b/),
        "www-authenticate": "Bearer",
      });
      expect(answer.json()).toMatchObject({ status: 401, code: "UNAUTHENTICATED" });
    }
  });

  test.each<[string, { method?: "GET" | "POST"; url: string; payload?: string; type?: string }, object]>([
    ["an unknown path", { url: "/v1/nothing" }, { status: 404, code: "NOT_FOUND" }],
    ["an unknown method", { method: "POST", url: "/v1/health", payload: "{}" }, { status: 404, code: "NOT_FOUND" }],
    ["an unknown workspace", { url: "/v1/workspaces/none" }, { status: 404, code: "WORKSPACE_NOT_FOUND" }],
    [
      "malformed JSON",
      { method: "POST", url: "/v1/workspaces", payload: "{" },
      { status: 400, code: "REQUEST_INVALID" },
    ],
    [
      "malformed YAML",
      { method: "POST", url: "/v1/workspaces", payload: "a: [", type: yaml },
      { status: 400, code: "CONFIG_INVALID" },
    ],
    [
      "another media type",
      { method: "POST", url: "/v1/workspaces", payload: "x", type: "text/csv" },
      { status: 400, code: "REQUEST_INVALID" },
    ],
    [
      "a poisoned prototype",
      { method: "POST", url: "/v1/workspaces/x/stop", payload: '{"__proto__":{"force":true}}' },
      { status: 400, code: "REQUEST_INVALID", problems: [{ path: "body" }] },
    ],
    [
      "a body too large",
      { method: "POST", url: "/v1/workspaces", payload: `"${"x".repeat(1024 * 1024)}"` },
      { status: 413, code: "PAYLOAD_TOO_LARGE" },
    ],
    ["a wrong query", { url: "/v1/workspaces?limit=0" }, { status: 400, problems: [{ path: "querystring.limit" }] }],
    [
      "an unknown field",
      { method: "POST", url: "/v1/workspaces/x/stop", payload: '{"froce":true}' },
      { status: 400, code: "REQUEST_INVALID" },
    ],
    [
      "a key that is too long",
      { url: `/v1/workspaces/${"x".repeat(2_000)}` },
      { status: 400, code: "REQUEST_INVALID" },
    ],
    ["a bad URL", { url: "/v1/workspaces/%zz" }, { status: 400, code: "REQUEST_INVALID" }],
  ])(
    "%s is answered with a problem document",
    async (_, { method = "GET", url, payload, type = "application/json" }, expected) => {
      const answer = await app.inject({
        method,
        url,
        headers: { ...headers, ...(payload === undefined ? {} : { "content-type": type }) },
        ...(payload === undefined ? {} : { payload }),
      });

      expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json\b/);
      expect(answer.json()).toMatchObject({ title: expect.any(String), detail: expect.any(String), ...expected });
      expect(answer.json().type).toBe(`urn:troupe:error:${answer.json().code}`);
      expect(answer.statusCode).toBe(answer.json().status);
    },
  );

  test("an error that is our fault is logged, and says nothing outside", async () => {
    await post("/v1/workspaces", { name: "shop" });
    supervisor.refusal = new Error("password is hunter2");
    const answer = await post("/v1/workspaces/shop/start");

    expect(answer.json()).toMatchObject({ status: 500, code: "INTERNAL" });
    expect(answer.body).not.toContain("hunter2");
    expect(logged.join()).toContain("request failed");
  });

  test("no token gets into the log, wherever it was sent", async () => {
    await get(`/v1/workspaces?token=${token}`);
    await get(`/v1/nothing?token=${token}`);

    expect(logged.length).toBeGreaterThan(0);
    expect(logged.join()).not.toContain(token);
  });

  test("the OpenAPI document has every route of the README", async () => {
    const { paths } = (await get("/v1/openapi.json")).json();

    expect(Object.keys(paths).sort()).toEqual(
      [
        "/metrics",
        "/v1/health",
        "/v1/leaks",
        "/v1/validate",
        "/v1/workspaces",
        "/v1/workspaces/{key}",
        ...["config", "events", "export", "logs", "start", "stop", "wait", "why"].map(
          (what) => `/v1/workspaces/{key}/${what}`,
        ),
      ].sort(),
    );
  });

  test("every reference of the OpenAPI document is in it, and every answer has a shape", async () => {
    const document = (await get("/v1/openapi.json")).json();

    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)];
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(references.map(([, name]) => name)),
    );
    for (const path of Object.values<Record<string, { responses: object }>>(document.paths)) {
      for (const { responses } of Object.values(path)) expect(Object.keys(responses).length).toBeGreaterThan(0);
    }
    expect(document.components.schemas.Workspace.properties.machines).toMatchObject({
      additionalProperties: { $ref: "#/components/schemas/Machine" },
    });
  });

  test("metrics are text for Prometheus", async () => {
    expect((await get("/metrics")).body).toContain("# HELP troupe_transitions_total");
  });
});

describe("loopbackAccess", () => {
  const access = loopbackAccess(() => [7480, 7481]);
  const ask = (host: string, origin?: string) => () => access.checkOrigin({ host, ...(origin && { origin }) });

  test.each(["127.0.0.1:7480", "localhost", "[::1]:7480"])("lets %s in, and its own pages", (host) => {
    expect(ask(host)).not.toThrow();
    expect(ask(host, "http://localhost:7480")).not.toThrow();
    expect(ask(host, "http://127.0.0.1:7481")).not.toThrow();
  });

  test.each([
    ["a name that was made to resolve to us", "evil.example:7480", undefined],
    ["a name that looks like ours", "127.0.0.1.evil.example", undefined],
    ["no host", "", undefined],
    ["a page elsewhere", "127.0.0.1:7480", "https://evil.example"],
    ["a page of a workspace's server", "127.0.0.1:7480", "http://127.0.0.1:20000"],
    ["a page of no origin", "127.0.0.1:7480", "null"],
  ])("refuses %s", (_, host, origin) => {
    expect(ask(host, origin)).toThrow(expect.objectContaining({ code: "FORBIDDEN" }));
  });

  test("refuses over HTTP with 403", async () => {
    const options = { supervisor: new FakeSupervisor(), metrics: createMetrics(), logger: silentLogger() };
    const app = await httpApi({ ...options, access, outputUrl: String, closing: new AbortController().signal });

    expect((await app.inject({ url: "/v1/health", headers: { host: "evil.example" } })).statusCode).toBe(403);
    expect((await app.inject({ url: "/v1/workspaces", headers: { host: "localhost" } })).statusCode).toBe(200);
    await app.close();
  });
});

test.each([[[]], [[""]], [["a", ""]]])("tokenAccess refuses the tokens %j", (tokens) => {
  expect(() => tokenAccess(tokens)).toThrow(expect.objectContaining({ code: "REQUEST_INVALID" }));
});
