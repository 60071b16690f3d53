import { describe, expect } from "vitest";
import { untilSteady } from "./follow.ts";
import { office, tracesOf } from "./office.ts";
import { processAt } from "./processes.ts";
import { scenario } from "./scenario.ts";
import { NOTHING } from "./site.ts";

describe.concurrent("a server that is asked to end", () => {
  scenario("leaves machines running, and the next one adopts them", async ({ site }) => {
    const server = await site.boot();
    await server.client.create(office("office"), { start: true });
    const { instanceId } = await untilSteady(server.client, "office");
    const { pids } = tracesOf(site);

    expect(await server.terminate()).toBe(0);

    for (const pid of Object.values(pids).flat()) expect(processAt(pid)).not.toBeNull();
    const next = await site.boot();
    const running = await untilSteady(next.client, "office");
    expect(running.instanceId).toBe(instanceId);
    expect(running.machines["web"]?.attributes["pid"]).toBe(String(pids.web[0]));
    expect(tracesOf(site)).toEqual({ installers: ["base", "agent"], pids });
  });

  scenario("with --on-exit terminate stops all workspaces first", async ({ site }) => {
    const server = await site.boot(["--on-exit", "terminate"]);
    await server.client.create(office("ready"), { start: true });
    await untilSteady(server.client, "ready");
    await server.client.create(office("starting"), { start: true });

    expect(await server.terminate()).toBe(0);

    expect(site.left()).toEqual(NOTHING);
    const next = await site.boot();
    const { workspaces } = await next.client.list();
    expect(workspaces).toMatchObject([
      { name: "ready", status: "STOPPED", failure: null, stopReason: { by: "supervisor" } },
      { name: "starting", status: "STOPPED", failure: null, stopReason: { by: "supervisor" } },
    ]);
  });
});
