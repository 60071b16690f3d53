import { describe, expect } from "vitest";
import { TroupeError } from "../../src/errors.ts";
import type { TroupeEvent } from "../../src/model/workspace.ts";
import { eventsOf, untilSteady } from "./follow.ts";
import { node, workspace } from "./office.ts";
import { scenario } from "./scenario.ts";

const names = Array.from({ length: 8 }, (_, index) => `workspace-${index}`);

describe.concurrent("of starts that race", () => {
  scenario("exactly as many are admitted as an owner may have running", async ({ site }) => {
    const { client } = await site.boot(["--running-per-owner", "3"]);
    for (const name of names) await client.create(workspace(name, { idle: "exec sleep 600" }), { owner: "ann" });
    await client.create(workspace("other", { idle: "exec sleep 600" }), { owner: "bob" });

    const outcomes = await Promise.allSettled(names.map((name) => client.start(`ann/${name}`)));

    const refusals = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    expect(refusals).toHaveLength(names.length - 3);
    for (const refusal of refusals) {
      expect(refusal).toBeInstanceOf(TroupeError);
      expect(refusal).toMatchObject({ code: "LIMIT_REACHED", status: 429 });
    }
    const started = names.filter((_, index) => outcomes[index]?.status === "fulfilled");
    for (const name of started) await client.wait(`ann/${name}`, { for: "running" });
    await client.start("bob/other"); // the limit is of each owner
    await client.wait("bob/other", { for: "running" });

    // What was freed can be used again.
    await client.stop(`ann/${started[0]}`);
    await client.wait(`ann/${started[0]}`, { for: "stopped" });
    const refused = names.find((name) => !started.includes(name));
    await client.start(`ann/${refused}`);
    await client.wait(`ann/${refused}`, { for: "running" });
  });

  scenario("never more are under way than may be at the same time", async ({ site }) => {
    const { client } = await site.boot(["--concurrent-starts", "2"]);
    const http = { port: "auto", protocol: "http", path: "/", readiness: { periodMs: 20 } };
    const machine = { servers: { http }, volumes: { data: {} } };
    for (const name of names) {
      await client.create(workspace(name, { web: node("service.mjs", "web", "$PORT", "100") }, { web: machine }));
    }

    await Promise.all(names.map((name) => client.start(name)));
    await Promise.all(names.map((name) => untilSteady(client, name)));

    const events = (await Promise.all(names.map((name) => eventsOf(client, name)))).flat();
    expect(mostUnderWay(events)).toBe(2);
  });
});

/** How many workspaces at most were beyond `queued` and not yet running, going through all events in order. */
function mostUnderWay(events: readonly TroupeEvent[]): number {
  const underWay = new Set<string>();
  let most = 0;
  for (const { source, to, workspaceId } of events.toSorted((one, other) => one.position - other.position)) {
    if (source.kind !== "workspace") continue;
    if (to.startsWith("starting.") && to !== "starting.queued") underWay.add(workspaceId);
    else underWay.delete(workspaceId);
    most = Math.max(most, underWay.size);
  }
  return most;
}
