import { describe, expect } from "vitest";
import type { TroupeEvent } from "../../src/model/workspace.ts";
import { eventsOf, isMoment, linesOf, untilEvent, untilSteady } from "./follow.ts";
import { isStopped } from "./normal-run.ts";
import { node, office, workspace } from "./office.ts";
import { scenario } from "./scenario.ts";

describe.concurrent("a follower outlives three servers that are killed", () => {
  scenario("and gets every line of a machine's output once, in order", async ({ site }) => {
    const first = await site.boot();
    await first.client.create(workspace("counter", { counter: node("counter.mjs") }), { start: true });
    const killAfter = [50, 150, 250];
    const numbers: number[] = [];
    let server = Promise.resolve(first);

    const signal = AbortSignal.timeout(50_000);
    for await (const { records } of first.client.output({ workspace: "counter", machine: "counter", signal })) {
      expect(records.filter(({ type }) => type === "gap")).toEqual([]);
      numbers.push(...linesOf(records).map(Number));
      if (numbers.length >= (killAfter[0] ?? Number.POSITIVE_INFINITY)) {
        killAfter.shift();
        const killed = await server;
        // Not awaited: meanwhile the follower finds nobody, and goes on trying.
        server = killed.kill().then(() => site.boot([], killed));
      }
      if (killAfter.length === 0 && numbers.length >= 400) break;
    }
    await server;

    expect(killAfter).toEqual([]);
    expect(numbers).toEqual(numbers.map((_, index) => index));
  });

  scenario("and gets every event of every instance once, in order", async ({ site }) => {
    const killWhen = [
      { actor: "workspace", state: "starting.launching" },
      { actor: "installer web base", state: "active.running" },
      { actor: "workspace", state: "stopping.halting" },
    ];
    let server = await site.boot();
    const { client } = server; // each server listens where the first one did
    await client.create(office("office"));
    const { cursor: since } = await client.events("office");
    const followed: TroupeEvent[] = [];
    const others: string[] = [];
    const following = (async () => {
      const signal = AbortSignal.timeout(50_000);
      for await (const update of client.channel({ topic: "all", since, signal })) {
        if (update.type === "events") followed.push(...update.events);
        else others.push(update.type);
        if (followed.filter(isStopped).length === killWhen.length) return;
      }
    })();

    for (const moment of killWhen) {
      const { cursor } = await client.events("office", { limit: 1_000 });
      const hasCome = untilEvent(client, "office", cursor, isMoment(moment));
      await client.start("office");
      if (moment.state.startsWith("stopping")) {
        await untilSteady(client, "office");
        await client.stop("office");
      }
      await hasCome;
      await server.kill();
      server = await site.boot([], server);
      if (!moment.state.startsWith("stopping")) await untilSteady(client, "office");
      await client.stop("office");
      await client.wait("office", { for: "stopped" });
    }
    const kept = (await eventsOf(client, "office")).filter(({ instanceId }) => instanceId !== null);
    await following;

    expect(others).toEqual([]);
    expect(followed).toEqual(kept);
    const instances = new Set(followed.map(({ instanceId }) => instanceId));
    expect(instances.size).toBe(3);
    for (const instance of instances) {
      const sequences = followed.flatMap(({ instanceId, sequence }) => (instanceId === instance ? [sequence] : []));
      expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    }
  });
});
