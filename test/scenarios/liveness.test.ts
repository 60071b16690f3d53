import { expect } from "vitest";
import { eventsOf, untilSteady } from "./follow.ts";
import { node, workspace } from "./office.ts";
import { scenario } from "./site.ts";

scenario("a server that no longer answers is STOPPED, and RUNNING when it answers again", async ({ site }) => {
  const { client } = await site.boot();
  const http = {
    port: "auto",
    protocol: "http",
    path: "/",
    liveness: { periodMs: 50, timeoutMs: 200, failureThreshold: 2 },
  };
  const machine = { servers: { http }, volumes: { data: {} } };
  await client.create(workspace("shop", { web: node("service.mjs", "web", "$PORT", "0") }, { web: machine }), {
    start: true,
  });
  const { machines } = await untilSteady(client, "shop");
  const pid = Number(machines["web"]?.attributes["pid"]);
  const server = { for: "server", machine: "web", server: "http" } as const;

  process.kill(pid, "SIGSTOP");
  const hung = await client.wait("shop", { ...server, status: "STOPPED" });
  process.kill(pid, "SIGCONT");
  const back = await client.wait("shop", { ...server, status: "RUNNING" });

  const http1 = (view: typeof hung) => view.machines["web"]?.servers["http"];
  expect(http1(hung)).toMatchObject({
    status: "STOPPED",
    state: "live.stopped",
    lastProbe: expect.stringMatching(/200 ms|timeout|in time/),
  });
  expect(http1(back)).toMatchObject({ status: "RUNNING", state: "live.running" });
  expect(back).toMatchObject({ status: "RUNNING", machines: { web: { restarts: 0 } } });
  const states = (await eventsOf(client, "shop"))
    .filter(({ source }) => source.kind === "server")
    .map(({ to, status }) => [to, status]);
  expect(states).toEqual([
    ["unknown", "UNKNOWN"],
    ["checking", "UNKNOWN"],
    ["live.running", "RUNNING"],
    ["live.stopped", "STOPPED"],
    ["live.running", "RUNNING"],
  ]);
});
