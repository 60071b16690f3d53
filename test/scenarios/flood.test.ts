import { expect } from "vitest";
import { WebSocket } from "ws";
import { linesOf, untilLine, untilSteady } from "./follow.ts";
import { workspace } from "./office.ts";
import { memoryOf } from "./processes.ts";
import { type Server, scenario } from "./site.ts";

const FLOOD_BYTES = 100 * 1024 * 1024;

/** Far more than a server needs, far less than it would take to hold the flood and its encodings. */
const GROWTH_BYTES = 300 * 1024 * 1024;

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
  const isOver = untilLine(client, "flood", "the last line");
  const timesOfStatus: number[] = [];
  let isFlowing = true;
  const status = (async () => {
    while (isFlowing) {
      const begunAt = performance.now();
      await client.start("other");
      await untilSteady(client, "other");
      await client.stop("other");
      await client.wait("other", { for: "stopped" });
      timesOfStatus.push(performance.now() - begunAt);
    }
  })();
  await isOver;
  isFlowing = false;
  await status;
  sleeper.terminate();

  const { records } = await client.logs("flood", { tail: 1 });
  expect(linesOf(records)).toEqual(["the last line"]);
  expect(await client.get("flood")).toMatchObject({ state: "running.steady", machines: { spring: { restarts: 0 } } });
  expect(memoryOf(ready.pid, "VmHWM") - before).toBeLessThan(GROWTH_BYTES);
  expect(timesOfStatus.length).toBeGreaterThan(0);
  process.stderr.write(JSON.stringify({ timesOfStatus, grown: memoryOf(ready.pid, "VmHWM") - before }));
});
