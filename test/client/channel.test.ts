import { fc, test as property } from "@fast-check/vitest";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { reconnectDelayMs } from "../../src/client/backoff.ts";
import { type ChannelUpdate, createClient, type TroupeClient } from "../../src/client/index.ts";
import { type FakeServer, fakeServer, problem, say } from "./fake-server.ts";
import { event, workspaceView } from "./views.ts";

let server: FakeServer;
let client: TroupeClient;

beforeEach(async () => {
  server = await fakeServer();
  server.on("GET /v1/workspaces", { body: { workspaces: [], next: null } });
  client = createClient({ url: server.url, token: "secret" });
});
afterEach(() => server.close());

const snapshot = (cursor: string, more = false) => ({ type: "snapshot", cursor, workspaces: [workspaceView()], more });
const events = (position: number, cause = "") => ({
  type: "events",
  cursor: `e.${position}`,
  events: [event({ position, cause })],
});

describe("a channel", () => {
  test("subscribes with its token and yields records until the server ends it", async () => {
    server.onSubscribe((socket) => say(socket, { type: "subscribed" }, snapshot("e.1"), events(2), { type: "end" }));

    const records = await all(client.channel({ topic: "workspace", workspace: "shop", policy: "state" }));

    expect(records.map(({ type }) => type)).toEqual(["snapshot", "events"]);
    expect(server.subscriptions).toMatchObject([
      {
        message: { type: "subscribe", topic: "workspace", workspace: "shop", policy: "state" },
        headers: { authorization: "Bearer secret" },
      },
    ]);
  });

  test("goes on behind the last record when the connection is lost", async () => {
    server.onSubscribe((socket, _message, nth) => {
      say(socket, { type: "subscribed" }, events(nth + 1));
      if (nth < 2) socket.close(1001);
      else say(socket, { type: "end" });
    });

    const records = await all(client.channel({ topic: "all", since: "e.0" }));

    expect(records.map(({ cursor }) => cursor)).toEqual(["e.1", "e.2", "e.3"]);
    expect(server.subscriptions.map(({ message }) => message["since"])).toEqual(["e.0", "e.1", "e.2"]);
  });

  test("begins a snapshot again that was cut off", async () => {
    server.onSubscribe((socket, _message, nth) => {
      say(socket, { type: "subscribed" }, snapshot("e.5", true));
      if (nth === 0) socket.close(1001);
      else say(socket, snapshot("e.5"), { type: "end" });
    });

    await all(client.channel({ topic: "all" }));

    expect(server.subscriptions.map(({ message }) => message["since"])).toEqual([undefined, undefined]);
  });

  test("asks for the snapshot that a gap promises", async () => {
    server.onSubscribe((socket, _message, nth) => {
      say(socket, { type: "subscribed" });
      if (nth > 0) return say(socket, snapshot("e.9"), { type: "end" });
      say(socket, { type: "gap", from: "e.1", to: "e.9", reason: "retention" });
      socket.close(1001);
    });

    const records = await all(client.channel({ topic: "all", since: "e.1" }));

    expect(records.map(({ type }) => type)).toEqual(["gap", "snapshot"]);
    expect(server.subscriptions[1]?.message["since"]).toBe("e.1");
  });

  test("throws the error with which the server refused the subscription", async () => {
    server.onSubscribe((socket) => say(socket, { type: "error", code: "WORKSPACE_NOT_FOUND", message: "No shop" }));

    const records = all(client.channel({ topic: "workspace", workspace: "shop" }));

    await expect(records).rejects.toMatchObject({ code: "WORKSPACE_NOT_FOUND", message: "No shop" });
  });

  test("gives up when its token is not accepted", async () => {
    server.refuseChannels(401);
    server.on("GET /v1/workspaces", problem(401, "UNAUTHENTICATED", "Cannot let you in: the token is wrong"));

    await expect(all(client.channel({ topic: "all" }))).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      message: "Cannot let you in: the token is wrong",
    });
  });

  test("gives up when a lost server lets it in no more", async () => {
    server.onSubscribe((socket) => {
      say(socket, { type: "subscribed" });
      server.refuseChannels(401);
      server.on("GET /v1/workspaces", problem(401, "UNAUTHENTICATED", "The token has changed"));
      socket.close(1001);
    });

    await expect(all(client.channel({ topic: "all" }))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  test("says at once that nobody listens", async () => {
    const gone = await fakeServer();
    await gone.close();

    await expect(all(createClient({ url: gone.url }).channel({ topic: "all" }))).rejects.toMatchObject({
      code: "SERVER_UNREACHABLE",
    });
  });

  test("ends when its signal aborts, and closes the connection", async () => {
    const controller = new AbortController();
    const closed = new Promise((resolve) => {
      server.onSubscribe((socket) => {
        socket.once("close", resolve);
        say(socket, { type: "subscribed" }, events(1));
      });
    });

    for await (const _record of client.channel({ topic: "all", signal: controller.signal })) controller.abort();

    await closed;
  });

  test("closes the connection when its reader stops", async () => {
    const closed = new Promise((resolve) => {
      server.onSubscribe((socket) => {
        socket.once("close", resolve);
        say(socket, { type: "subscribed" }, events(1));
      });
    });

    for await (const _record of client.channel({ topic: "all" })) break;

    await closed;
  });

  test("lets go of a connection that its reader is too slow for, and loses nothing", async () => {
    const COUNT = 60;
    const letGo = new Promise<void>((resolve) => {
      server.onSubscribe((socket, message) => {
        socket.once("close", () => resolve());
        const first = Number(String(message["since"]).slice(2)) + 1;
        say(socket, { type: "subscribed" });
        for (let position = first; position <= COUNT; position++) say(socket, events(position, "x".repeat(100_000)));
        say(socket, { type: "end" });
      });
    });
    const records = client.channel({ topic: "all", since: "e.0" });
    const first = await records.next();
    const cursors = [first.done === true ? undefined : cursorOf(first.value)];

    await letGo;
    for await (const record of records) cursors.push(cursorOf(record));

    expect(cursors).toEqual(Array.from({ length: COUNT }, (_, index) => `e.${index + 1}`));
    expect(server.subscriptions.length).toBeGreaterThan(1);
  });

  property.prop([fc.array(fc.nat({ max: 3 }), { maxLength: 3 })], { numRuns: 10 })(
    "every event comes once and in order, wherever connections end",
    async (cuts) => {
      const COUNT = 6;
      let connections = 0;
      server.onSubscribe((socket, message) => {
        const cut = cuts[connections++] ?? COUNT;
        const first = Number(String(message["since"]).slice(2)) + 1;
        say(socket, { type: "subscribed" });
        for (let position = first; position <= Math.min(COUNT, first + cut); position++) say(socket, events(position));
        if (first + cut < COUNT) socket.close(1001);
        else say(socket, { type: "end" });
      });

      const records = await all(client.channel({ topic: "all", since: "e.0" }));

      expect(records.map(({ cursor }) => cursor)).toEqual(["e.1", "e.2", "e.3", "e.4", "e.5", "e.6"]);
    },
  );
});

describe("output", () => {
  const lines = (position: number) => ({
    type: "output",
    cursor: `o.${position}`,
    records: [
      { type: "lines", lines: [{ machine: "web", installer: null, position, at: 0, text: `line ${position}` }] },
    ],
  });

  test("comes from the listener that the server names, and goes on behind the last cursor without a tail", async () => {
    const output = await fakeServer();
    server.on("GET /v1/health", { body: { outputUrl: output.url } });
    output.onSubscribe((socket, _message, nth) => {
      say(socket, { type: "subscribed" }, lines(nth + 1));
      if (nth === 0) socket.close(1013);
      else say(socket, { type: "end" });
    });

    const updates = await all(client.output({ workspace: "shop", machine: "web", tail: 5 }));

    expect(updates.map(({ cursor }) => cursor)).toEqual(["o.1", "o.2"]);
    expect(output.subscriptions.map(({ message }) => message)).toEqual([
      { type: "subscribe", id: "1", topic: "output", workspace: "shop", machine: "web", tail: 5 },
      { type: "subscribe", id: "1", topic: "output", workspace: "shop", machine: "web", since: "o.1" },
    ]);
    await output.close();
  });
});

test("waits between attempts grow to a bound and are spread from zero", () => {
  const longest = [0, 1, 2, 10, 1_000].map((attempt) => reconnectDelayMs(attempt, () => 1));

  expect(longest).toEqual([100, 200, 400, 5_000, 5_000]);
  expect(reconnectDelayMs(3, () => 0)).toBe(0);
});

function cursorOf(update: ChannelUpdate): string | undefined {
  return "cursor" in update ? update.cursor : undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: looks into records of every type
async function all(iterable: AsyncIterable<any>): Promise<any[]> {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}
