import type { TroupeClient } from "../../src/client/index.ts";
import { TroupeError } from "../../src/errors.ts";
import type { WorkspaceView } from "../../src/model/workspace.ts";
import { eventsOf, linesOf } from "../scenarios/follow.ts";
import { until } from "../until.ts";
import type { Violation } from "./evidence.ts";
import type { EventsFollowed, History, OutputFollowed } from "./history.ts";
import { COUNTING } from "./subject.ts";

/** Every budget on the way to rest is far below this, on a computer that is not very busy. In milliseconds. */
const WITHIN_MS = 60_000;

/** Resolves when no workspace is on the way to somewhere, and every follower has been told all that has happened. */
export async function rest(client: TroupeClient, history: History): Promise<readonly Violation[]> {
  try {
    const isAtRest = async () => (await inMotion(client)).length === 0;
    await until(isAtRest, { withinMs: WITHIN_MS, what: "the last workspace to rest", everyMs: 50 });
    await caughtUp(client, history);
    return [];
  } catch (error) {
    const moving = await inMotion(client);
    const what = [String(error), ...moving.map(({ name, state }) => `${name} is ${state}`)].join("; ");
    return [{ rule: "all comes to rest", workspace: moving[0]?.name ?? null, what }];
  }
}

async function inMotion(client: TroupeClient): Promise<readonly WorkspaceView[]> {
  const { workspaces } = await client.list();
  return workspaces.filter(
    ({ state, status, nextInstanceId }) =>
      nextInstanceId !== null || (state !== "running.steady" && status !== "STOPPED"),
  );
}

async function caughtUp(client: TroupeClient, history: History): Promise<void> {
  // Those who come later begin with what is there.
  for (const followed of history.events.filter(({ isOver }) => !isOver)) {
    const last = await lastPosition(client, followed.topic);
    const what = () => `a follower of ${JSON.stringify(followed.topic)}, at ${followed.position}, to get to ${last}`;
    await until(() => followed.isOver || followed.position >= last, { withinMs: WITHIN_MS, what });
  }
  for (const followed of history.outputs.filter(({ isOver }) => !isOver)) {
    const line = await lastLine(client, followed.workspace);
    const what = () => `a reader of ${followed.workspace}'s output to get to "${line}"`;
    await until(() => followed.isOver || line === "" || hasRead(followed, line), { withinMs: WITHIN_MS, what });
  }
}

/** Where a follower has been told everything; nowhere, if its workspace is gone: then it is told that no more comes. */
async function lastPosition(client: TroupeClient, topic: EventsFollowed["topic"]): Promise<number> {
  if (topic !== "all") {
    const events = await eventsOf(client, topic.workspace).catch(unlessGone);
    return events === null ? Number.POSITIVE_INFINITY : (events.at(-1)?.position ?? 0);
  }
  for await (const update of client.channel({ topic: "all" })) {
    if (update.type === "snapshot") return Number(update.cursor.split(".")[1]);
  }
  return 0;
}

/** What a reader of the counter's output gets to: nothing, before the first start; `null`, which is no line, if all is gone. */
async function lastLine(client: TroupeClient, workspace: string): Promise<string | null> {
  const page = await client.logs(workspace, { machine: COUNTING, tail: 1 }).catch(unlessGone);
  return page === null ? null : (linesOf(page.records)[0] ?? "");
}

function unlessGone(error: unknown): null {
  if (error instanceof TroupeError && error.code === "WORKSPACE_NOT_FOUND") return null;
  throw error;
}

function hasRead({ items }: OutputFollowed, line: string | null): boolean {
  return items.some((item) => item !== "gap" && item.text === line);
}
