import { once } from "node:events";
import { fc } from "@fast-check/vitest";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import {
  createNativeServer,
  type NativeServer,
  type NativeServerOptions,
} from "../../../src/protocols/native/index.ts";
import { silentLogger } from "../../../src/telemetry/log.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { FakeSupervisor } from "./fake-supervisor.ts";

interface Message {
  readonly id?: string;
  readonly type: string;
  readonly code?: string;
  readonly cursor?: string;
  readonly events?: readonly { readonly position: number }[];
  readonly records?: readonly { readonly type: string; readonly lines: readonly { readonly text: string }[] }[];
}

/** A channel's socket, as a client has it: messages are taken one by one. */
class Channel {
  readonly #socket: WebSocket;
  readonly #messages: Message[] = [];

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("message", (data) => void this.#messages.push(JSON.parse(data.toString())));
  }

  static async open(url: string, token?: string): Promise<Channel> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/channels`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    const channel = new Channel(socket);
    await once(socket, "open");
    return channel;
  }

  say(message: unknown): void {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  async next(): Promise<Message> {
    while (this.#messages.length === 0) await once(this.#socket, "message", { signal: AbortSignal.timeout(10_000) });
    return this.#messages.shift() ?? { type: "none" };
  }

  /** The texts of the next output. */
  async lines(count: number): Promise<string[]> {
    const texts: string[] = [];
    while (texts.length < count) {
      const message = await this.next();
      texts.push(...(message.records ?? []).flatMap(({ lines }) => lines.map(({ text }) => text)));
      if (message.records === undefined) throw new Error(`expected output, got ${JSON.stringify(message)}`);
    }
    return texts;
  }

  async closeCode(): Promise<number> {
    const [code] = await once(this.#socket, "close");
    return code;
  }

  get socket(): WebSocket {
    return this.#socket;
  }

  async leave(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }
}

describe("createNativeServer", () => {
  let supervisor: FakeSupervisor;
  let server: NativeServer | undefined;

  const serve = async (options: Partial<NativeServerOptions> = {}): Promise<NativeServer> => {
    server = await createNativeServer({
      supervisor,
      host: "127.0.0.1",
      port: 0,
      outputPort: 0,
      tokens: null,
      logger: silentLogger(),
      metrics: createMetrics(),
      ...options,
    });
    return server;
  };

  beforeEach(() => {
    supervisor = new FakeSupervisor();
    supervisor.create({ name: "shop" });
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  const subscribed = async (url: string, message: object): Promise<Channel> => {
    const channel = await Channel.open(url);
    channel.say({ type: "subscribe", id: "s", ...message });
    expect(await channel.next()).toEqual({ id: "s", type: "subscribed" });
    return channel;
  };

  test("both listeners accept, and the health of one names the other", async () => {
    const { url, outputUrl } = await serve();

    const health = await (await fetch(`${url}/v1/health`)).json();
    expect(health).toMatchObject({ status: "ok", outputUrl });
    expect(await (await fetch(`${outputUrl}/v1/health`)).json()).toMatchObject({ code: "NOT_FOUND" });
    expect(outputUrl).not.toBe(url);
  });

  test("a status channel tells the state, then each event as it happens", async () => {
    const { url } = await serve();
    const channel = await subscribed(url, { topic: "workspace", workspace: "shop" });
    expect(await channel.next()).toMatchObject({
      id: "s",
      type: "snapshot",
      cursor: "e1.1",
      workspaces: [{ name: "shop" }],
    });

    supervisor.start("shop");
    expect(await channel.next()).toMatchObject({ id: "s", type: "events", cursor: "e1.2", events: [{ position: 2 }] });
  });

  test("policy state tells views", async () => {
    const { url } = await serve();
    const channel = await subscribed(url, { topic: "all", policy: "state", since: "e1.1" });
    supervisor.start("shop");

    expect(await channel.next()).toMatchObject({ type: "state", workspaces: [{ status: "STARTING" }], deleted: [] });
  });

  test("who comes back with the last cursor gets what happened meanwhile, once", async () => {
    const { url } = await serve();
    const before = await subscribed(url, { topic: "all" });
    const { cursor } = await before.next();
    await before.leave();
    for (let count = 0; count < 500; count++) supervisor.move("id-shop", {});

    const after = await subscribed(url, { topic: "all", since: cursor });
    const positions: number[] = [];
    while (positions.length < 500)
      positions.push(...((await after.next()).events ?? []).map(({ position }) => position));
    expect(positions).toEqual(Array.from({ length: 500 }, (_, index) => index + 2));
  });

  test("a client that does not read does not keep events from the others", async () => {
    const { url } = await serve();
    const slow = await subscribed(url, { topic: "all", since: "e1.1" });
    slow.socket.pause();
    const fast = await subscribed(url, { topic: "all", since: "e1.1" });

    let seen = 0;
    for (let burst = 0; burst < 40; burst++) {
      for (let count = 0; count < 500; count++) supervisor.move("id-shop", {});
      while (seen < (burst + 1) * 500) seen += (await fast.next()).events?.length ?? 0;
    }
    expect(seen).toBe(20_000);
    slow.socket.terminate();
  });

  test("the deletion of the workspace, and unsubscribing, end a subscription; the id is free again", async () => {
    const { url } = await serve();
    const channel = await subscribed(url, { topic: "workspace", workspace: "shop", since: "e1.1" });
    channel.say({ type: "unsubscribe", id: "s" });
    expect(await channel.next()).toEqual({ id: "s", type: "end" });

    channel.say({ type: "subscribe", id: "s", topic: "workspace", workspace: "shop", since: "e1.1" });
    expect(await channel.next()).toMatchObject({ type: "subscribed" });
    await supervisor.delete("shop");
    expect(await channel.next()).toMatchObject({ events: [{ to: "deleted" }] });
    expect(await channel.next()).toEqual({ id: "s", type: "end" });
    expect(supervisor.hub.subscribers).toBe(0);
  });

  test("a socket has at most a hundred subscriptions, and its end ends them", async () => {
    const { url } = await serve();
    const channel = await Channel.open(url);
    for (let id = 0; id < 100; id++) channel.say({ type: "subscribe", id: `${id}`, topic: "all", since: "e1.1" });
    for (let id = 0; id < 100; id++) expect(await channel.next()).toMatchObject({ type: "subscribed" });
    channel.say({ type: "subscribe", id: "more", topic: "all" });

    expect(await channel.next()).toMatchObject({ id: "more", type: "error", code: "LIMIT_REACHED" });
    await channel.leave();
    await expect.poll(() => supervisor.hub.subscribers).toBe(0);
  });

  test.each<[string, unknown, object]>([
    ["no JSON", "{", { code: "REQUEST_INVALID" }],
    ["no object", "[1]", { code: "REQUEST_INVALID" }],
    ["an unknown type", { type: "dance", id: "a" }, { id: "a", code: "REQUEST_INVALID" }],
    ["no id", { type: "subscribe", topic: "all" }, { code: "REQUEST_INVALID" }],
    ["an id too long", { type: "subscribe", id: "x".repeat(101), topic: "all" }, { code: "REQUEST_INVALID" }],
    ["an unknown topic", { type: "subscribe", id: "a", topic: "weather" }, { id: "a", code: "REQUEST_INVALID" }],
    [
      "a topic of the other listener",
      { type: "subscribe", id: "a", topic: "output", workspace: "shop" },
      { code: "REQUEST_INVALID" },
    ],
    [
      "an unknown policy",
      { type: "subscribe", id: "a", topic: "all", policy: "x" },
      { id: "a", code: "REQUEST_INVALID" },
    ],
    [
      "a misspelt field",
      { type: "subscribe", id: "a", topic: "all", sinze: "e1.1" },
      { id: "a", code: "REQUEST_INVALID" },
    ],
    ["no cursor", { type: "subscribe", id: "a", topic: "all", since: "x" }, { id: "a", code: "REQUEST_INVALID" }],
    [
      "an unknown workspace",
      { type: "subscribe", id: "a", topic: "workspace", workspace: "no" },
      { id: "a", code: "WORKSPACE_NOT_FOUND" },
    ],
    ["an id that is taken", { type: "subscribe", id: "s", topic: "all" }, { id: "s", code: "REQUEST_INVALID" }],
    ["an id that is not there", { type: "unsubscribe", id: "a" }, { id: "a", code: "NOT_FOUND" }],
  ])("%s is answered with an error, and the socket goes on", async (_, message, expected) => {
    const { url } = await serve();
    const channel = await subscribed(url, { topic: "all", since: "e1.1" });
    channel.say(message);
    expect(await channel.next()).toMatchObject({ type: "error", message: expect.any(String), ...expected });

    supervisor.start("shop");
    expect(await channel.next()).toMatchObject({ type: "events" });
  });

  test("no rubbish keeps a socket from working", async () => {
    const { url, outputUrl } = await serve();
    for (const listener of [url, outputUrl]) {
      const channel = await Channel.open(listener);
      await fc.assert(
        fc.asyncProperty(fc.oneof(fc.string(), fc.json(), fc.uint8Array({ maxLength: 50 })), async (rubbish) => {
          channel.socket.send(rubbish);
          expect(await channel.next()).toMatchObject({ type: "error", code: "REQUEST_INVALID" });
        }),
        { numRuns: 50 },
      );
      channel.say({ type: "unsubscribe", id: "x" });
      expect(await channel.next()).toMatchObject({ type: "error", code: "NOT_FOUND" });
    }
  });

  describe("output", () => {
    test("is told as it is written, and ends with the instance", async () => {
      const { outputUrl } = await serve();
      supervisor.start("shop");
      supervisor.output("i1").print("one", "two");
      const channel = await subscribed(outputUrl, { topic: "output", workspace: "shop" });
      expect(await channel.lines(2)).toEqual(["one", "two"]);

      supervisor.output("i1").print("three");
      expect(await channel.lines(1)).toEqual(["three"]);
      supervisor.output("i1").finish();
      supervisor.move("id-shop", { status: "STOPPED", desired: "stopped" });
      expect(await channel.next()).toEqual({ id: "s", type: "end" });
    });

    test("goes on behind its cursor after a disconnect", async () => {
      const { outputUrl } = await serve();
      supervisor.start("shop");
      supervisor.output("i1").print("one", "two");
      const before = await subscribed(outputUrl, { topic: "output", workspace: "shop" });
      const { cursor } = await before.next();
      await before.leave();
      supervisor.output("i1").print("three");

      const after = await subscribed(outputUrl, { topic: "output", workspace: "shop", since: cursor });
      expect(await after.lines(1)).toEqual(["three"]);
    });

    test("goes on with the next instance from its first line", async () => {
      const { outputUrl } = await serve();
      supervisor.start("shop");
      supervisor.output("i1").print("old", "old", "old");
      const channel = await subscribed(outputUrl, { topic: "output", workspace: "shop", tail: 1 });
      expect(await channel.lines(1)).toEqual(["old"]);

      supervisor.move("id-shop", { status: "STOPPING", nextInstanceId: "i2" });
      supervisor.output("i1").finish();
      supervisor.move("id-shop", { status: "STOPPED" });
      supervisor.move("id-shop", { status: "STARTING", instanceId: "i2", nextInstanceId: null });
      supervisor.output("i2").print("new", "newer");
      expect(await channel.lines(2)).toEqual(["new", "newer"]);
    });

    test("waits for the first start", async () => {
      const { outputUrl } = await serve();
      const channel = await subscribed(outputUrl, { topic: "output", workspace: "shop" });
      supervisor.start("shop");
      supervisor.output("i1").print("hello");

      expect(await channel.lines(1)).toEqual(["hello"]);
    });

    test("unsubscribing ends it while nothing is written", async () => {
      const { outputUrl } = await serve();
      supervisor.start("shop");
      const channel = await subscribed(outputUrl, { topic: "output", workspace: "shop" });
      channel.say({ type: "unsubscribe", id: "s" });

      expect(await channel.next()).toEqual({ id: "s", type: "end" });
      expect(supervisor.output("i1").listenerCount("more")).toBe(0);
      expect(supervisor.hub.subscribers).toBe(0);
    });

    test("is not on the status listener, nor with a cursor that is none", async () => {
      const { outputUrl } = await serve();
      const channel = await Channel.open(outputUrl);
      channel.say({ type: "subscribe", id: "a", topic: "all" });
      expect(await channel.next()).toMatchObject({ id: "a", type: "error", code: "REQUEST_INVALID" });
      channel.say({ type: "subscribe", id: "a", topic: "output", workspace: "shop", since: "rubbish" });
      expect(await channel.next()).toMatchObject({ id: "a", type: "error", code: "REQUEST_INVALID" });
    });
  });

  test("a token is needed on both listeners, in the header or in a WebSocket's query", async () => {
    const { url, outputUrl } = await serve({ tokens: ["s3cret"] });

    for (const listener of [url, outputUrl]) {
      await expect(Channel.open(listener)).rejects.toThrow("401");
      await expect(Channel.open(listener, "wrong")).rejects.toThrow("401");
      await (await Channel.open(listener, "s3cret")).leave();
      const fromBrowser = new WebSocket(`${listener.replace("http", "ws")}/v1/channels?token=s3cret`);
      await once(fromBrowser, "open");
      fromBrowser.terminate();
    }
    expect((await fetch(`${url}/v1/workspaces`)).status).toBe(401);
    expect((await fetch(`${url}/v1/workspaces?token=s3cret`)).status).toBe(401);
    expect((await fetch(`${url}/v1/health`)).status).toBe(200);
  });

  test.each(["0.0.0.0", "::", "192.168.1.5", "example.org"])(
    "without a token it does not serve on %s",
    async (host) => {
      await expect(serve({ host })).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    },
  );

  test("without a token, pages elsewhere get no WebSocket", async () => {
    const { url, outputUrl } = await serve();
    const from = (origin: string, listener: string) =>
      once(new WebSocket(`${listener.replace("http", "ws")}/v1/channels`, { origin }), "open");

    for (const listener of [url, outputUrl]) {
      await expect(from("https://evil.example", listener)).rejects.toThrow("403");
      await expect(from("http://127.0.0.1:1", listener)).rejects.toThrow("403");
      const [own] = [new WebSocket(`${listener.replace("http", "ws")}/v1/channels`, { origin: url })];
      await once(own, "open");
      own.terminate();
    }
  });

  test("a port that is taken is told, and nothing keeps listening", async () => {
    const { url, outputUrl } = await serve();
    const [port, outputPort] = [url, outputUrl].map((listener) => Number(new URL(listener).port));
    await expect(serve({ port: port ?? 0 })).rejects.toMatchObject({ code: "PORT_TAKEN" });
    await expect(serve({ outputPort: outputPort ?? 0 })).rejects.toMatchObject({ code: "PORT_TAKEN" });
  });

  test("close() says 1001, not that subscriptions are over, and answers long polls", async () => {
    const { url, outputUrl, close } = await serve();
    supervisor.start("shop");
    const status = await subscribed(url, { topic: "all", since: "e1.2" });
    const output = await subscribed(outputUrl, { topic: "output", workspace: "shop" });
    const poll = fetch(`${url}/v1/workspaces/shop/wait?for=stopped`);
    await expect.poll(() => supervisor.calls.at(-1)).toContain("wait");
    const codes = [status, output].map((channel) => channel.closeCode());
    await Promise.all([close(), close()]);

    expect(await Promise.all(codes)).toEqual([1001, 1001]);
    expect(await (await poll).json()).toMatchObject({ code: "SUPERVISOR_CLOSED" });
    await expect(fetch(`${url}/v1/health`)).rejects.toThrow();
    expect(supervisor.hub.subscribers).toBe(0);
  });

  test("a supervisor that ends first sends its subscribers away, to come back", async () => {
    const { url } = await serve();
    const channel = await subscribed(url, { topic: "all", since: "e1.1" });
    await supervisor.suspend();

    expect(await channel.closeCode()).toBe(1001);
  });

  test("a client that leaves a long poll ends it", async () => {
    const { url } = await serve();
    const leaving = new AbortController();
    const poll = fetch(`${url}/v1/workspaces/shop/wait?for=running`, { signal: leaving.signal });
    await expect.poll(() => supervisor.hub.subscribers).toBe(1);
    leaving.abort();

    await expect(poll).rejects.toThrow("abort");
    await expect.poll(() => supervisor.hub.subscribers).toBe(0);
  });
});
