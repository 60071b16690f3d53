import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { ServerAddress } from "../../src/infrastructure/spi.ts";
import type { ProbeSpec } from "../../src/model/environment.ts";
import { probe } from "../../src/servers/probe.ts";

const never = new AbortController().signal;
const open: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(server: Server, scheme = "http"): Promise<ServerAddress> {
  open.push(server);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { host: "127.0.0.1", port, url: `${scheme}://127.0.0.1:${port}` };
}

/** An address at which nobody listens. */
async function closedAddress(): Promise<ServerAddress> {
  const server = createTcpServer();
  const address = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return address;
}

/** Accepts connections and says nothing. */
const silent = () => createTcpServer(() => {});
const http = (listener: RequestListener) => createHttpServer(listener);
const spec = (changes: Partial<ProbeSpec> = {}): ProbeSpec => ({
  type: "http",
  path: "/healthz",
  expectedStatus: { from: 200, to: 399 },
  timeoutMs: 5_000,
  ...changes,
});

describe("probe() with type tcp", () => {
  test("passes when a connection is accepted, and closes it", async () => {
    const server = silent();
    const closed = new Promise((resolve) =>
      server.once("connection", (socket) => socket.resume().on("close", resolve)),
    );
    const address = await listen(server);

    expect(await probe(spec({ type: "tcp" }), address, never)).toEqual({
      passed: true,
      message: `port ${address.port} accepts connections`,
    });
    await closed;
  });

  test("fails with the system's reason when nobody listens", async () => {
    const { passed, message } = await probe(spec({ type: "tcp" }), await closedAddress(), never);

    expect(passed).toBe(false);
    expect(message).toContain("ECONNREFUSED");
  });
});

describe("probe() with type http", () => {
  test("asks for the path on a connection of its own, and closes it before the body has come", async () => {
    const seen: unknown[] = [];
    const server = http(({ method, url, headers }, response) => {
      seen.push(method, url, headers.connection);
      response.write("a body without end");
    });
    const closed = new Promise((resolve) => server.once("connection", (socket) => socket.on("close", resolve)));

    const result = await probe(spec(), await listen(server), never);
    await closed;

    expect(result).toEqual({ passed: true, message: "GET /healthz answered 200" });
    expect(seen).toEqual(["GET", "/healthz", "close"]);
  });

  test.each([
    [199 + 1, true],
    [399, true],
    [400, false],
    [503, false],
  ])("takes the expected range with both its ends: %i passes is %s", async (status, passed) => {
    const address = await listen(http((_, response) => response.writeHead(status).end()));

    expect((await probe(spec(), address, never)).passed).toBe(passed);
  });

  test("follows no redirect", async () => {
    const asked: (string | undefined)[] = [];
    const address = await listen(
      http(({ url }, response) => {
        asked.push(url);
        response.writeHead(302, { location: "/elsewhere" }).end();
      }),
    );

    expect((await probe(spec(), address, never)).passed).toBe(true);
    expect(asked).toEqual(["/healthz"]);
  });

  test("speaks http to a ws server", async () => {
    const address = await listen(
      http((_, response) => response.writeHead(404).end()),
      "ws",
    );

    expect(await probe(spec({ expectedStatus: { from: 404, to: 404 } }), address, never)).toMatchObject({
      passed: true,
    });
  });

  test("speaks TLS to a wss server", async () => {
    const server = silent();
    const firstByte = new Promise<number | undefined>((resolve) =>
      server.once("connection", (socket) => socket.once("data", (data) => resolve(data[0]))),
    );
    const aborted = new AbortController();
    const result = probe(spec(), await listen(server, "wss"), aborted.signal).catch((reason: unknown) => reason);

    expect(await firstByte).toBe(22); // a TLS record of type handshake (RFC 8446, section 5.1)
    aborted.abort("enough");
    expect(await result).toBe("enough");
  });

  test("fails after timeoutMs when the answer does not come", async () => {
    expect(await probe(spec({ timeoutMs: 30 }), await listen(silent()), never)).toEqual({
      passed: false,
      message: "GET /healthz was not answered within 30 ms",
    });
  });

  test("fails on a head that is too large", async () => {
    const address = await listen(
      createTcpServer((socket) => {
        socket.write(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(20_000)}\r\n\r\n`);
      }),
    );

    expect(await probe(spec(), address, never)).toMatchObject({ passed: false, message: /Header overflow/i });
  });

  test("fails on what is not HTTP", async () => {
    const address = await listen(createTcpServer((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n")));

    expect((await probe(spec(), address, never)).passed).toBe(false);
  });

  test("fails on a path that no request can carry", async () => {
    expect((await probe(spec({ path: "/a b" }), await listen(silent()), never)).passed).toBe(false);
  });

  test("leaves the query out of its message", async () => {
    const address = await listen(http((_, response) => response.end()));

    expect(await probe(spec({ path: "/ready?token=secret" }), address, never)).toEqual({
      passed: true,
      message: "GET /ready answered 200",
    });
  });
});

describe("probe()", () => {
  test("passes with type none, whatever is there", async () => {
    expect(await probe(spec({ type: "none" }), await closedAddress(), never)).toMatchObject({ passed: true });
  });

  test.each(["tcp", "http", "none"] as const)(
    "of type %s rejects with the reason of a signal that has aborted",
    async (type) => {
      const reason = new Error("stopped");

      await expect(probe(spec({ type }), await closedAddress(), AbortSignal.abort(reason))).rejects.toBe(reason);
    },
  );

  test("rejects with the reason as soon as the signal aborts, and closes the connection", async () => {
    const server = silent();
    const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
    const controller = new AbortController();
    const result = probe(spec(), await listen(server), controller.signal).catch((reason: unknown) => reason);
    const socket = await accepted;
    const closed = new Promise((resolve) => socket.resume().on("close", resolve));

    controller.abort("stopped");

    expect(await result).toBe("stopped");
    await closed;
  });
});
