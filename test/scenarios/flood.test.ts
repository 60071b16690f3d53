import { expect } from "vitest";
import { WebSocket } from "ws";
import type { TroupeClient } from "../../src/client/index.ts";
import { linesOf, untilLine, untilSteady } from "./follow.ts";
import { workspace } from "./office.ts";
import { memoryOf } from "./processes.ts";
import { scenario } from "./scenario.ts";
import type { Server } from "./server.ts";

const FLOOD_BYTES = 100 * 1024 * 1024;

/** Far more than a server needs, far less than it would take to hold the flood and its encodings. */
const GROWTH_BYTES = 300 * 1024 * 1024;

/** A start and a stop of a workspace that has one machine; half a second on a quiet computer. */
const ROUND_MS = 10_000;

const flood = `yes 'a line of forty characters or thereabouts' | head -c ${FLOOD_BYTES}; echo; echo 'the last line'; exec sleep 600`;

/** Subscribes to a workspace's output, and never reads any. */
async function subscribeAndSleep({ ready }: Server): Promise<WebSocket> {
  const socket = new WebSocket(`${ready.outputUrl.replace("http", "ws")}/v1/channels`, {
    headers: { authorization: `Bearer ${ready.token}` },
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.send(JSON.stringify({ type: "subscribe", id: "1", topic: "output", workspace: "flood" }));
  socket.pause();
  return socket;
}

scenario("100 MB in a burst, with a follower and one that sleeps, harm nobody", async ({ site }) => {
  const server = await site.boot();
  const { client, ready } = server;
  await client.create(workspace("flood", { spring: flood }));
  await client.create(workspace("other", { calm: "exec sleep 600" }));
  const before = memoryOf(ready.pid, "VmRSS");

  await client.start("flood");
  const sleeper = await subscribeAndSleep(server);
  let isFlowing = true;
  const flowing = untilLine(client, "flood", "the last line").finally(() => {
    isFlowing = false;
  });
  const roundsMs: number[] = [];
  while (isFlowing) roundsMs.push(await roundOf(client, "other"));
  await flowing;
  sleeper.terminate();

  expect(Math.max(...roundsMs)).toBeLessThan(ROUND_MS);
  expect(memoryOf(ready.pid, "VmHWM") - before).toBeLessThan(GROWTH_BYTES);
  expect(await client.get("flood")).toMatchObject({ state: "running.steady", machines: { spring: { restarts: 0 } } });
  const { records } = await client.logs("flood", { tail: 1 });
  expect(linesOf(records)).toEqual(["the last line"]);
});

/** Starts and stops a workspace. @returns how long that took, in milliseconds. */
async function roundOf(client: TroupeClient, workspace: string): Promise<number> {
  const begunAt = performance.now();
  await client.start(workspace);
  await untilSteady(client, workspace);
  await client.stop(workspace);
  await client.wait(workspace, { for: "stopped" });
  return performance.now() - begunAt;
}
