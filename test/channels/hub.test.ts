import { setImmediate as turn } from "node:timers/promises";
import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { eventJson, recordFrame } from "../../src/channels/encoding.ts";
import { Hub, type Subscription } from "../../src/channels/hub.ts";
import type { ChannelRecord, StateRecord } from "../../src/channels/records.ts";
import { MemorySource } from "./memory-source.ts";

type Told = ChannelRecord | StateRecord;

function hubOn(source = new MemorySource(), recentEvents = 100) {
  const hub = new Hub(source, { recentEvents });
  return {
    hub,
    source,
    happen: (workspaceId: string, to?: string) => hub.publish([source.commit(workspaceId, to)]),
  };
}

function reader(subscription: Subscription) {
  const iterator = subscription[Symbol.asyncIterator]();
  return {
    next: async (): Promise<Told | "end"> => {
      const { done, value } = await iterator.next();
      return done ? "end" : value;
    },
  };
}

/** All that can be read without waiting for another event. */
async function readAll(subscription: Subscription): Promise<Told[]> {
  const records: Told[] = [];
  const reading = (async () => {
    for await (const record of subscription) records.push(record);
  })();
  // Three quiet turns: each record takes only microtasks once it is there.
  let seen = -1;
  while (seen !== records.length) {
    seen = records.length;
    for (let turns = 0; turns < 3; turns++) await turn();
  }
  subscription.close();
  await reading;
  return records;
}

const positions = (records: readonly Told[]) =>
  records.flatMap((record) => (record.type === "events" ? record.events.map(({ position }) => position) : []));

describe("Hub", () => {
  test("a subscriber without cursor gets the state, and then what happens next", async () => {
    const { hub, happen } = hubOn();
    happen("w1", "starting");
    const { next } = reader(hub.subscribe({ workspaceId: "w1" }));
    happen("w1", "running");

    expect(await next()).toMatchObject({ type: "snapshot", cursor: "e1.1", more: false, workspaces: [{ id: "w1" }] });
    expect(await next()).toMatchObject({ type: "events", cursor: "e1.2", events: [{ position: 2, to: "running" }] });
  });

  test("a state that runs ahead of the journal is followed by the event that brought it", async () => {
    const { hub, source, happen } = hubOn();
    happen("w1", "starting");
    source.runAhead("w1", "running");
    const { next } = reader(hub.subscribe({ workspaceId: "w1" }));

    expect(await next()).toMatchObject({ type: "snapshot", cursor: "e1.1", workspaces: [{ state: "running" }] });
    happen("w1", "running");
    expect(await next()).toMatchObject({ type: "events", events: [{ position: 2 }] });
  });

  test("a subscriber to one workspace hears of no other", async () => {
    const { hub, happen } = hubOn();
    happen("w1");
    const subscription = hub.subscribe({ workspaceId: "w1" });
    happen("w2");
    happen("w1");

    expect(positions(await readAll(subscription))).toEqual([3]);
  });

  test("events of one turn of the event loop are one record, and one waking", async () => {
    const { hub, happen } = hubOn();
    const { next } = reader(hub.subscribe("all", { since: "e1.0" }));
    const first = next();
    await turn();
    for (let count = 0; count < 50; count++) happen("w1");

    expect(await first).toMatchObject({ type: "events", cursor: "e1.50" });
  });

  test("who resumes within memory is served from memory, and before it from the journal", async () => {
    const { hub, source, happen } = hubOn(new MemorySource(), 10);
    for (let count = 0; count < 25; count++) happen("w1");

    expect(positions(await readAll(hub.subscribe("all", { since: "e1.15" })))).toHaveLength(10);
    expect(source.reads).toBe(0);
    expect(positions(await readAll(hub.subscribe("all", { since: "e1.3" })))).toHaveLength(22);
    expect(source.reads).toBeGreaterThan(0);
  });

  test("memory is bounded over all workspaces, subscribed or not", async () => {
    const { hub, source, happen } = hubOn(new MemorySource(), 10);
    for (let count = 0; count < 25; count++) happen(`w${count % 5}`);

    expect(positions(await readAll(hub.subscribe({ workspaceId: "w0" }, { since: "e1.15" })))).toEqual([16, 21]);
    expect(source.reads).toBe(0);
    expect(positions(await readAll(hub.subscribe({ workspaceId: "w0" }, { since: "e1.5" })))).toEqual([6, 11, 16, 21]);
    expect(source.reads).toBe(1);
  });

  test("a quiet workspace's subscriber needs no journal, however loud the others are", async () => {
    const { hub, source, happen } = hubOn(new MemorySource(), 10);
    happen("quiet");
    const { next } = reader(hub.subscribe({ workspaceId: "quiet" }));
    await next();
    const waiting = next();
    await turn();
    for (let count = 0; count < 50; count++) happen("loud");
    await turn();
    happen("quiet");

    expect(await waiting).toMatchObject({ type: "events", events: [{ position: 52 }] });
    expect(source.reads).toBe(0);
  });

  test("pruned events are a gap, and the state follows it", async () => {
    const { hub, source, happen } = hubOn(new MemorySource(), 2);
    for (let count = 0; count < 10; count++) happen("w1");
    source.prune(5);

    expect(await readAll(hub.subscribe("all", { since: "e1.2" }))).toMatchObject([
      { type: "gap", from: "e1.2", to: "e1.10", reason: "retention" },
      { type: "snapshot", cursor: "e1.10", more: false },
    ]);
    expect(positions(await readAll(hub.subscribe("all", { since: "e1.5" })))).toEqual([6, 7, 8, 9, 10]);
  });

  test.each(["other.4", "e1.99"])("cursor %s of another journal is a gap", async (since) => {
    const { hub, happen } = hubOn();
    happen("w1");

    expect(await readAll(hub.subscribe("all", { since }))).toMatchObject([
      { type: "gap", from: since, to: "e1.1", reason: "epoch" },
      { type: "snapshot", cursor: "e1.1" },
    ]);
  });

  test.each(["", "e1", "e1.", "e1.-1", "e1.x", ".5"])("%j is refused: it is not a cursor", (since) => {
    const { hub } = hubOn();
    expect(() => hub.subscribe("all", { since })).toThrow(expect.objectContaining({ code: "REQUEST_INVALID" }));
  });

  test("many workspaces come in pages, and who leaves within them begins again", async () => {
    const { hub, happen } = hubOn();
    for (let count = 0; count < 250; count++) happen(`w${count}`);
    const { next } = reader(hub.subscribe("all"));

    const [first, second, third] = [await next(), await next(), await next()];

    expect([first, second, third]).toMatchObject([{ more: true }, { more: true }, { more: false, cursor: "e1.250" }]);
    const since = typeof first === "object" && "cursor" in first ? first.cursor : "";
    expect(await reader(hub.subscribe("all", { since })).next()).toMatchObject({ type: "snapshot", more: true });
  });

  test("policy state tells the latest of what changed, once", async () => {
    const { hub, happen } = hubOn();
    const subscription = hub.subscribe("all", { since: "e1.0", policy: "state" });
    for (const state of ["starting", "running", "stopping"]) happen("w1", state);
    happen("w2");
    happen("w2", "deleted");

    expect(await readAll(subscription)).toMatchObject([
      { type: "state", cursor: "e1.5", workspaces: [{ id: "w1", state: "stopping" }], deleted: ["w2"] },
    ]);
  });

  test("policy state puts at most a hundred workspaces into a record and leaves none out", async () => {
    const { hub, happen } = hubOn(new MemorySource(), 1_000);
    for (let count = 0; count < 250; count++) happen(`w${count}`);

    const records = await readAll(hub.subscribe("all", { since: "e1.0", policy: "state" }));
    const ids = records.map((record) => (record.type === "state" ? record.workspaces.map(({ id }) => id) : []));
    expect(ids.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(new Set(ids.flat()).size).toBe(250);
  });

  test("the deletion of its workspace is the last that a subscriber hears", async () => {
    const { hub, happen } = hubOn();
    happen("w1");
    const { next } = reader(hub.subscribe({ workspaceId: "w1" }));
    await next();
    happen("w1", "deleted");

    expect(await next()).toMatchObject({ type: "events", events: [{ to: "deleted" }] });
    expect(await next()).toBe("end");
    expect(hub.subscribers).toBe(0);
  });

  test("who resumes after the deletion hears of it and is let go", async () => {
    const { hub, happen } = hubOn();
    happen("w1");
    happen("w1", "deleted");

    const resumed = reader(hub.subscribe({ workspaceId: "w1" }, { since: "e1.1" }));
    expect(await resumed.next()).toMatchObject({ type: "events", events: [{ to: "deleted" }] });
    expect(await resumed.next()).toBe("end");
    expect(await reader(hub.subscribe({ workspaceId: "w1" }, { since: "e1.2" })).next()).toBe("end");
  });

  test("a workspace that is not there can't be subscribed to", () => {
    const { hub } = hubOn();
    expect(() => hub.subscribe({ workspaceId: "w1" })).toThrow(
      expect.objectContaining({ code: "WORKSPACE_NOT_FOUND" }),
    );
  });

  test("close() ends a read that waits, and every later one", async () => {
    const { hub } = hubOn();
    const subscription = hub.subscribe("all", { since: "e1.0" });
    const { next } = reader(subscription);
    const waiting = next();
    subscription.close();
    subscription.close();

    expect(await waiting).toBe("end");
    expect(await next()).toBe("end");
    expect(hub.subscribers).toBe(0);
  });

  test("close() between two pages of a snapshot tells no more of it", async () => {
    const { hub, happen } = hubOn();
    for (let count = 0; count < 250; count++) happen(`w${count}`);
    const subscription = hub.subscribe("all");
    const { next } = reader(subscription);
    await next();
    subscription.close();

    expect(await next()).toBe("end");
  });

  test("an aborted signal ends the subscription, now or from the start", async () => {
    const { hub } = hubOn();
    const leaving = new AbortController();
    const waiting = reader(hub.subscribe("all", { since: "e1.0", signal: leaving.signal })).next();
    leaving.abort();

    expect(await waiting).toBe("end");
    expect(await reader(hub.subscribe("all", { signal: AbortSignal.abort() })).next()).toBe("end");
    expect(hub.subscribers).toBe(0);
  });

  test("leaving the loop ends the subscription", async () => {
    const { hub, happen } = hubOn();
    happen("w1");
    for await (const _ of hub.subscribe("all")) break;

    expect(hub.subscribers).toBe(0);
  });

  test("a closed hub ends its subscribers and takes no more", async () => {
    const { hub } = hubOn();
    const waiting = reader(hub.subscribe("all", { since: "e1.0" })).next();
    hub.close();

    expect(await waiting).toBe("end");
    expect(() => hub.subscribe("all")).toThrow(expect.objectContaining({ code: "SUPERVISOR_CLOSED" }));
  });

  test("more subscribers than are woken in one turn are all woken", async () => {
    const { hub, happen } = hubOn();
    const waiting = Array.from({ length: 1_000 }, () => reader(hub.subscribe("all", { since: "e1.0" })).next());
    await turn();
    happen("w1");

    const records = await Promise.all(waiting);
    expect(new Set(records).size).toBe(1); // one record, shared: so it is encoded once
    expect(records[0]).toMatchObject({ type: "events", events: [{ position: 1 }] });
  });

  test("an event is encoded once, whoever reads it", async () => {
    const { hub, happen } = hubOn();
    const [one, all] = [
      hub.subscribe({ workspaceId: "w1" }, { since: "e1.0" }),
      hub.subscribe("all", { since: "e1.0" }),
    ];
    happen("w1");
    const [ofOne, ofAll] = [await reader(one).next(), await reader(all).next()];

    if (ofOne === "end" || ofAll === "end" || ofOne.type !== "events" || ofAll.type !== "events") {
      throw new Error("expected events");
    }
    expect(ofOne.events[0]).toBe(ofAll.events[0]);
    expect(JSON.parse(recordFrame('a"b', ofAll))).toEqual({ id: 'a"b', ...ofAll });
    expect(recordFrame("x", ofOne)).toContain(ofOne.events.map(eventJson).join());
  });
});

/** What may happen around a hub, in any order. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("happen"), workspace: fc.nat(2), count: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("turn") }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("read"), reader: fc.nat(3), count: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("resume"), reader: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("prune"), back: fc.nat(20) }) },
);

const topicOf = (index: number) => (index === 3 ? ("all" as const) : { workspaceId: `w${index}` });

/** A client: reads some, disconnects, comes back with the last cursor it has; keeps what it was told. */
class Client {
  readonly seen: number[] = [];
  /** Stretches that it was told are missing: after `from`, up to `to`. */
  readonly gaps: { from: number; to: number }[] = [];
  #cursor: string;
  #subscription: Subscription;
  #iterator: AsyncIterator<Told>;
  #pending: Promise<void> | undefined;
  readonly #hub: Hub;
  readonly #index: number;
  from: number;

  constructor(hub: Hub, index: number, from: number) {
    this.#hub = hub;
    this.#index = index;
    this.from = from;
    this.#cursor = `e1.${from}`;
    this.#subscription = hub.subscribe(topicOf(index), { since: this.#cursor });
    this.#iterator = this.#subscription[Symbol.asyncIterator]();
  }

  async read(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      this.#pending ??= this.#iterator.next().then(({ done, value }) => {
        this.#pending = undefined;
        if (!done) this.#take(value);
      });
      await Promise.race([this.#pending, turn().then(turn)]);
    }
  }

  async resume(): Promise<void> {
    this.#subscription.close();
    await this.#pending;
    this.#subscription = this.#hub.subscribe(topicOf(this.#index), { since: this.#cursor });
    this.#iterator = this.#subscription[Symbol.asyncIterator]();
  }

  #take(record: Told): void {
    if (record.type === "gap") this.gaps.push({ from: positionOf(record.from), to: positionOf(record.to) });
    else this.#cursor = record.cursor;
    if (record.type === "events") this.seen.push(...record.events.map(({ position }) => position));
  }
}

const positionOf = (cursor: string) => Number(cursor.split(".")[1]);

property.prop([fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 12 })], { numRuns: 150 })(
  "a subscriber sees each later event once, in order, or within a gap that it was told of",
  async (steps, recentEvents) => {
    const source = new MemorySource();
    for (const id of ["w0", "w1", "w2"]) source.commit(id);
    const hub = new Hub(source, { recentEvents });
    const clients = [0, 1, 2, 3].map((index) => new Client(hub, index, 3));

    for (const { do: what, ...how } of steps) {
      if (what === "turn") await turn();
      if (what === "prune" && "back" in how) source.prune(source.bounds().last - how.back);
      if (what === "resume" && "reader" in how) await clients[how.reader]?.resume();
      if (what === "read" && "reader" in how && "count" in how) await clients[how.reader]?.read(how.count);
      if (what === "happen" && "workspace" in how) {
        hub.publish(Array.from({ length: how.count }, () => source.commit(`w${how.workspace}`)));
      }
    }
    const { last } = source.bounds();
    for (const client of clients) await client.read(last + 10);

    for (const [index, client] of clients.entries()) {
      const happened = everything(source, index, client.from);
      const covered = (position: number) => client.gaps.some(({ from, to }) => position > from && position <= to);
      expect(client.seen).toEqual([...new Set(client.seen)].sort((a, b) => a - b));
      expect(happened.filter((position) => !client.seen.includes(position) && !covered(position))).toEqual([]);
      expect(client.seen.filter((position) => !happened.includes(position))).toEqual([]);
    }
    hub.close();
  },
);

/** The positions of all that ever happened in a topic, pruned or not. */
function everything(source: MemorySource, index: number, after: number): number[] {
  return source.history
    .filter(({ position, workspaceId }) => position > after && (index === 3 || workspaceId === `w${index}`))
    .map(({ position }) => position);
}
