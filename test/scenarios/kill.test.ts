import { describe, expect, vi } from "vitest";
import { eventsOf, isMoment, untilEvent, untilSteady } from "./follow.ts";
import { isReady, isStopped, normalRun, workforce } from "./normal-run.ts";
import { office, tracesOf } from "./office.ts";
import { processAt } from "./processes.ts";
import { scenario } from "./scenario.ts";
import type { Server } from "./server.ts";
import { NOTHING, type Site } from "./site.ts";

// The kill comes as soon as a follower can know of the moment: within a few milliseconds of it. What lies between is
// cut step by step, on a virtual clock, in test/supervisor/recovery.test.ts.
const normal = await normalRun();

/** The office runs, as if nobody had ever been killed: one instance, and everything in it was done once. */
async function expectRunning(site: Site, { client }: Server, instanceId: string): Promise<void> {
  const running = await untilSteady(client, "office");
  const { installers, pids } = tracesOf(site);

  expect(running.instanceId).toBe(instanceId);
  expect(installers).toEqual(["base", "agent"]);
  expect(pids).toEqual({ store: [expect.any(Number)], web: [expect.any(Number)], agent: [expect.any(Number)] });
  for (const pid of Object.values(pids).flat()) {
    expect(processAt(pid)?.env["TROUPE_INSTANCE_ID"]).toBe(instanceId);
  }
  expect(running.machines["store"]?.attributes["pid"]).toBe(String(pids.store[0]));
  expect(running.machines["web"]?.attributes["pid"]).toBe(String(pids.web[0]));
  expect(running.machines["web"]?.installers).toMatchObject({ base: { status: "DONE" }, agent: { status: "DONE" } });
  for (const { restarts } of Object.values(running.machines)) expect(restarts).toBe(0);
  // The shim of an installer lingers for a moment after its script.
  await vi.waitFor(() => expect(workforce(site)).toEqual(normal.workforce), { timeout: 5_000, interval: 20 });
}

async function expectNothingLeft(site: Site, { client }: Server): Promise<void> {
  expect(site.left()).toEqual(NOTHING);
  expect(await client.leaks()).toEqual([]);
  const sequences = (await eventsOf(client, "office")).filter(({ instanceId }) => instanceId !== null);
  expect(sequences.map(({ sequence }) => sequence)).toEqual(sequences.map((_, index) => index + 1));
}

async function stop({ client }: Server): Promise<void> {
  await client.stop("office");
  await client.wait("office", { for: "stopped" });
}

describe("a server that is killed", () => {
  scenario.concurrent.for(normal.starting)(
    "when $actor is $state is followed by one that ends the same start",
    async (moment, { site }) => {
      const server = await site.boot();
      const { cursor } = await server.client.events((await server.client.create(office("office"))).id);
      const { instanceId } = await server.client.start("office");
      await untilEvent(server.client, "office", cursor, (event) => isMoment(moment)(event) || isReady(event));
      await server.kill();

      const next = await site.boot();

      await expectRunning(site, next, instanceId ?? "");
      await stop(next);
      await expectNothingLeft(site, next);
    },
  );

  scenario.concurrent("three times while all is ready changes nothing", async ({ site }) => {
    let server = await site.boot();
    await server.client.create(office("office"), { start: true });
    const { instanceId } = await untilSteady(server.client, "office");

    for (const _time of [1, 2, 3]) {
      await server.kill();
      server = await site.boot();
      await expectRunning(site, server, instanceId ?? "");
    }
    await stop(server);
    await expectNothingLeft(site, server);
  });

  scenario.concurrent.for(normal.stopping)(
    "when $actor is $state of a stop is followed by one that ends the stop",
    async (moment, { site }) => {
      const server = await site.boot();
      await server.client.create(office("office"), { start: true });
      await untilSteady(server.client, "office");
      const { cursor } = await server.client.events("office", { limit: 1_000 });
      await server.client.stop("office");
      await untilEvent(server.client, "office", cursor, (event) => isMoment(moment)(event) || isStopped(event));
      await server.kill();

      const next = await site.boot();

      const stopped = await next.client.wait("office", { for: "stopped" });
      expect(stopped).toMatchObject({ status: "STOPPED", failure: null, stopReason: { by: "user" } });
      await expectNothingLeft(site, next);
    },
  );
});
