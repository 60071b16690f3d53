import { expect } from "vitest";
import type { WorkspaceView } from "../../src/model/workspace.ts";
import { eventsOf, untilSteady } from "./follow.ts";
import { node, workspace } from "./office.ts";
import { scenario } from "./scenario.ts";

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

  const partOf = (view: WorkspaceView) => view.machines["web"]?.servers["http"];
  expect(partOf(hung)).toMatchObject({ state: "live.stopped", lastProbe: expect.stringContaining("200 ms") });
  expect(partOf(back)).toMatchObject({ state: "live.running" });
  expect(back).toMatchObject({ status: "RUNNING", machines: { web: { restarts: 0 } } });
  const events = (await eventsOf(client, "shop")).filter(({ source }) => source.kind === "server");
  expect(events.map(({ to, status }) => `${to} ${status}`)).toEqual([
    "unknown UNKNOWN",
    "checking UNKNOWN",
    "live.running RUNNING",
    "live.stopped STOPPED",
    "live.running RUNNING",
  ]);
});
