import { once } from "node:events";
import { createServer, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Connection } from "../../src/channels/connection.ts";
import { type Session, type TransportLimits, WebSocketTransport } from "../../src/channels/websocket.ts";
import { TroupeError } from "../../src/errors.ts";
import { silentLogger } from "../../src/telemetry/log.ts";

const KIB = 1024;

/** An HTTP server with WebSockets, whose connections the test writes to. */
class Listener {
  readonly connections: Connection[] = [];
  readonly messages: (string | null)[] = [];
  readonly over: Connection[] = [];
  slow = 0;
  readonly transport: WebSocketTransport;
  readonly #server: Server = createServer();
  readonly #clients: WebSocket[] = [];

  constructor(limits: Partial<TransportLimits> = {}) {
    this.transport = new WebSocketTransport({
      path: "/channels",
      admit: ({ headers }) => {
        if (headers.authorization !== "yes") throw new TroupeError("UNAUTHENTICATED", "Cannot connect: who are you");
      },
      open: (connection) => this.#open(connection),
      refusal: ({ code }) => ({ contentType: "text/plain", body: code }),
      logger: silentLogger(),
      metrics: {
        connections: { inc: () => {}, dec: () => {} },
        slowConnections: { inc: () => void this.slow++ },
      },
      limits,
    });
    this.#server.on("upgrade", this.transport.upgrade);
  }

  async listen(): Promise<this> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async client(): Promise<WebSocket> {
    const client = new WebSocket(`ws://127.0.0.1:${this.port}/channels`, { headers: { authorization: "yes" } });
    this.#clients.push(client);
    client.on("error", () => {});
    await once(client, "open");
    return client;
  }

  /** What an upgrade is answered with when it is refused. */
  async refusal(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
    const upgrade = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const asked = request({ port: this.port, path, headers: { ...upgrade, ...headers } }).end();
    const [response] = await once(asked, "response");
    let body = "";
    for await (const chunk of response.setEncoding("utf8")) body += chunk;
    return { status: response.statusCode, body };
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.terminate();
    await this.transport.close();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #open(connection: Connection): Session {
    this.connections.push(connection);
    return {
      message: (text) => void this.messages.push(text),
      closed: () => void this.over.push(connection),
    };
  }
}

const last = <Item>(items: readonly Item[]): Item => {
  const item = items.at(-1);
  if (item === undefined) throw new Error("expected one");
  return item;
};

/** Sends frames until the peer is gone; tells how many were taken. */
function writer(connection: Connection, bytes: number) {
  const state = { sent: 0 };
  const done = (async () => {
    while (connection.isOpen) {
      await connection.send("x".repeat(bytes));
      state.sent += 1;
    }
  })();
  return { state, done };
}

describe("WebSocketTransport", () => {
  let listener: Listener;
  afterEach(() => listener.close());

  describe("with its usual limits", () => {
    beforeEach(async () => {
      listener = await new Listener().listen();
    });

    test("refuses whom it does not admit while the request is still HTTP", async () => {
      expect(await listener.refusal("/channels")).toEqual({ status: 401, body: "UNAUTHENTICATED" });
      expect(await listener.refusal("/elsewhere", { authorization: "yes" })).toEqual({
        status: 404,
        body: "NOT_FOUND",
      });
      expect(listener.connections).toHaveLength(0);
    });

    test("passes text on, and says what was none", async () => {
      const client = await listener.client();
      client.send("hello");
      client.send(Buffer.from([1, 2]));
      client.close();
      await once(client, "close");

      expect(listener.messages).toEqual(["hello", null]);
    });

    test("closes who sends more than 64 KiB at once with 1009, and nobody else", async () => {
      const [loud, other] = [await listener.client(), await listener.client()];
      loud.send("x".repeat(64 * KIB + 1));
      const [code] = await once(loud, "close");

      expect(code).toBe(1009);
      expect(other.readyState).toBe(WebSocket.OPEN);
    });

    test("close() says 1001 to everybody and takes no more", async () => {
      const clients = await Promise.all([listener.client(), listener.client()]);
      const codes = clients.map(async (client) => (await once(client, "close"))[0]);
      await listener.transport.close();

      expect(await Promise.all(codes)).toEqual([1001, 1001]);
      expect(await listener.refusal("/channels", { authorization: "yes" })).toMatchObject({ status: 503 });
      expect(listener.over).toHaveLength(2);
    });

    test("close() does not wait for a peer that does not agree", async () => {
      (await listener.client()).pause();
      await listener.transport.close();

      expect(listener.transport.connections).toBe(0);
    });
  });

  test("takes no more connections than its limits, in all and from one address", async () => {
    listener = await new Listener({ connections: 3, connectionsPerAddress: 2 }).listen();
    const first = await listener.client();
    await listener.client();
    expect(await listener.refusal("/channels", { authorization: "yes" })).toEqual({
      status: 429,
      body: "LIMIT_REACHED",
    });

    first.close();
    await once(first, "close");
    await expect.poll(() => listener.transport.connections).toBe(1);
    await listener.client();
    expect(listener.transport.connections).toBe(2);
  });

  test("what waits for a peer that does not read is bounded, and harms nobody else", async () => {
    listener = await new Listener({ stallMs: 60_000 }).listen();
    const slow = await listener.client();
    const toSlow = writer(last(listener.connections), 16 * KIB);
    slow.pause();
    const fast = await listener.client();
    const toFast = last(listener.connections);
    await expect.poll(() => last(listener.connections).isReady && !listener.connections[0]?.isReady).toBe(true);
    const before = toSlow.state.sent;

    let got = 0;
    fast.on("message", () => void got++);
    for (let count = 0; count < 2_000; count++) await toFast.send("y".repeat(KIB));
    await expect.poll(() => got).toBe(2_000);

    expect(toSlow.state.sent).toBe(before);
    // The high-water mark, and what the kernel and the client's own buffers hold.
    expect(before * 16 * KIB).toBeLessThan(16 * KIB * KIB);
    slow.terminate();
    await toSlow.done;
  });

  test("a slow peer gets everything in order once it reads again", async () => {
    listener = await new Listener({ stallMs: 60_000 }).listen();
    const client = await listener.client();
    const connection = last(listener.connections);
    client.pause();
    const sent = Array.from({ length: 1_000 }, (_, index) => `${index} ${"x".repeat(16 * KIB)}`);
    const sending = (async () => {
      for (const frame of sent) await connection.send(frame);
    })();
    await expect.poll(() => connection.isReady).toBe(false);

    const got: string[] = [];
    client.on("message", (data) => void got.push(data.toString()));
    client.resume();
    await sending;
    await expect.poll(() => got.length).toBe(sent.length);
    expect(got.map((frame) => Number.parseInt(frame, 10))).toEqual(sent.map((_, index) => index));
  });

  test("a peer that reads nothing for too long is closed, and its writers go on", async () => {
    listener = await new Listener({ stallMs: 50 }).listen();
    const client = await listener.client();
    const writing = writer(last(listener.connections), 16 * KIB);
    client.pause();

    await writing.done;
    await expect.poll(() => listener.over).toHaveLength(1);
    expect(listener.slow).toBe(1);
  });

  test("who asks and does not read the answers is closed", async () => {
    listener = await new Listener().listen();
    const client = await listener.client();
    const connection = last(listener.connections);
    client.pause();
    while (connection.isOpen) {
      connection.reply("x".repeat(16 * KIB));
      await new Promise(setImmediate);
    }

    await expect.poll(() => listener.over).toHaveLength(1);
  });

  test("a peer that has vanished is noticed by its silence; one that answers pings is kept", async () => {
    listener = await new Listener({ pingMs: 100, silenceMs: 500 }).listen();
    const alive = await listener.client();
    const vanished = connect(listener.port, "127.0.0.1");
    vanished.on("error", () => {});
    vanished.write(
      "GET /channels HTTP/1.1\r\nHost: x\r\nAuthorization: yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await expect.poll(() => listener.connections).toHaveLength(2);

    await once(vanished.resume(), "close");
    await expect.poll(() => listener.transport.connections).toBe(1);
    for (let pings = 0; pings < 3; pings++) await once(alive, "ping");
    expect(alive.readyState).toBe(WebSocket.OPEN);
  });
});
