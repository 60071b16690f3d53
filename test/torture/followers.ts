/** Subscribers that outlive servers: each goes on from the cursor of the last record that it has read. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ChannelUpdate, OutputUpdate } from "../../src/client/index.ts";
import { TroupeError } from "../../src/errors.ts";
import type { Server } from "../scenarios/server.ts";
import type { Fleet } from "./client.ts";
import type { EventsFollowed, History, OutputFollowed } from "./history.ts";
import type { Random } from "./random.ts";
import { COUNTING } from "./subject.ts";
import type { Target } from "./target.ts";

export interface FollowerContext {
  readonly target: Target;
  readonly fleet: Fleet;
  readonly history: History;
  readonly random: Random;
  /** How likely a follower is to hang up after a record, and to come back. */
  readonly hopping: number;
}

/** Between two attempts to subscribe while there is nobody to subscribe to, in milliseconds. */
const RETRY_MS = 20;

/** Of a stopped workspace there is nothing to follow for long. In milliseconds. */
const NEXT_MS = 200;

/** Follows all events until `signal` aborts. */
export async function followAll(context: FollowerContext, signal: AbortSignal): Promise<void> {
  await followEvents(context, "all", signal);
}

/** Follows the events of one workspace after the other, each until it is deleted. */
export async function followOneByOne(context: FollowerContext, signal: AbortSignal): Promise<void> {
  for (let name = await anyName(context, signal); name !== undefined; name = await anyName(context, signal)) {
    await followEvents(context, { workspace: name }, signal);
    await sleep(NEXT_MS);
  }
}

/** Reads the output of one workspace after the other, each until it is deleted. */
export async function readOneByOne(context: FollowerContext, signal: AbortSignal): Promise<void> {
  for (let name = await anyName(context, signal); name !== undefined; name = await anyName(context, signal)) {
    await readOutput(context, name, signal);
    await sleep(NEXT_MS);
  }
}

async function followEvents(
  context: FollowerContext,
  topic: EventsFollowed["topic"],
  signal: AbortSignal,
): Promise<void> {
  const followed: EventsFollowed = { topic, from: null, events: [], position: 0, others: [], isOver: false };
  context.history.events.push(followed);
  const about = topic === "all" ? ({ topic: "all" } as const) : ({ topic: "workspace", ...topic } as const);
  await subscribed<ChannelUpdate>(context, signal, {
    open: ({ client }, since, until) =>
      client.channel({ ...about, ...(since === undefined ? {} : { since }), signal: until }),
    take: (update) => takeEvents(followed, update),
    over: (refusal) => {
      if (refusal !== undefined) followed.others.push(refusal);
      followed.isOver = true;
    },
  });
}

function takeEvents(followed: EventsFollowed, update: ChannelUpdate): void {
  followed.position = positionOf(update);
  if (update.type === "events") followed.events.push(...update.events);
  else if (followed.from === null && update.type === "snapshot") followed.from = followed.position;
  else followed.others.push(update.type);
}

async function readOutput(context: FollowerContext, workspace: string, signal: AbortSignal): Promise<void> {
  const followed: OutputFollowed = { workspace, items: [], isOver: false };
  context.history.outputs.push(followed);
  await subscribed<OutputUpdate>(context, signal, {
    open: ({ client }, since, until) =>
      client.output({ workspace, machine: COUNTING, ...(since === undefined ? {} : { since }), signal: until }),
    take: ({ records }) => {
      for (const record of records) {
        if (record.type === "gap") followed.items.push("gap");
        else followed.items.push(...record.lines.map(({ text }) => ({ text })));
      }
    },
    over: (refusal) => {
      if (refusal !== undefined) followed.items.push({ text: refusal });
      followed.isOver = true;
    },
  });
}

interface Subscription<Update> {
  open(server: Server, since: string | undefined, signal: AbortSignal): AsyncIterable<Update>;
  take(update: Update): void;
  /** `refusal`: the code of an error that nothing explains. */
  over(refusal?: string): void;
}

/** Over any number of servers and connections, until there is no more to come or `signal` aborts. */
async function subscribed<Update extends { readonly cursor?: string; readonly to?: string }>(
  { target, random, hopping }: FollowerContext,
  signal: AbortSignal,
  { open, take, over }: Subscription<Update>,
): Promise<void> {
  let since: string | undefined;
  while (!signal.aborted) {
    const server = await target.server(signal).catch(() => undefined);
    if (server === undefined) return;
    const gone = new AbortController();
    void server.ended.then(() => gone.abort());
    const until = AbortSignal.any([signal, gone.signal]);
    try {
      let isHopping = false;
      for await (const update of open(server, since, until)) {
        take(update);
        since = update.cursor ?? since;
        isHopping = random.chance(hopping);
        if (isHopping) break;
      }
      if (!isHopping && !until.aborted) return over();
    } catch (error) {
      if (!(error instanceof TroupeError)) throw error;
      await sleep(RETRY_MS);
      if (error.code === "WORKSPACE_NOT_FOUND") return over();
      if (!error.retryable) return over(error.code);
    }
  }
}

async function anyName({ fleet, random }: FollowerContext, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted) {
    if (fleet.names.length > 0) return random.pick(fleet.names);
    await sleep(RETRY_MS);
  }
  return undefined;
}

/** A cursor is `EPOCH.POSITION`. */
function positionOf(update: ChannelUpdate): number {
  const cursor = update.type === "gap" ? update.to : update.cursor;
  return Number(cursor.slice(cursor.lastIndexOf(".") + 1));
}
