import { expect } from "vitest";
import type { TroupeEvent } from "../../src/model/workspace.ts";
import { untilSteady } from "./follow.ts";
import { office } from "./office.ts";
import { scenario } from "./scenario.ts";
import { NOTHING } from "./site.ts";

scenario("a running workspace that is deleted stops, and is gone with its volumes", async ({ site }) => {
  const { client } = await site.boot();
  const { id } = await client.create(office("office"), { start: true });
  await untilSteady(client, "office");
  const { cursor: since } = await client.events("office", { limit: 1_000 });
  expect(site.files("volumes")).toEqual([id]);

  await client.delete("office");

  expect(site.left()).toEqual(NOTHING);
  expect(site.files("volumes")).toEqual([]);
  await expect(client.get("office")).rejects.toMatchObject({ code: "WORKSPACE_NOT_FOUND", status: 404 });
  await expect(client.get(id)).rejects.toMatchObject({ code: "WORKSPACE_NOT_FOUND", status: 404 });
  const told: TroupeEvent[] = [];
  for await (const update of client.channel({ topic: "all", since, signal: AbortSignal.timeout(10_000) })) {
    if (update.type === "events") told.push(...update.events);
    if (told.at(-1)?.to === "deleted") break;
  }
  expect(told.at(-1)).toMatchObject({
    workspaceId: id,
    source: { kind: "workspace" },
    instanceId: null,
    to: "deleted",
  });
});
