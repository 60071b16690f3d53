import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Incident } from "../../src/model/incident.ts";
import { jsonLines } from "../cli/run-command.ts";
import { untilEvent, untilSteady } from "./follow.ts";
import { office } from "./office.ts";
import { scenario } from "./scenario.ts";

scenario("the life of a workspace whose server was killed is exported, replayed and rebuilt", async ({ site }) => {
  const first = await site.boot();
  const { cursor } = await first.client.events((await first.client.create(office("office"))).id);
  await first.client.start("office");
  await untilEvent(first.client, "office", cursor, ({ to }) => to === "starting.booting");
  await first.kill();
  const second = await site.boot();
  await untilSteady(second.client, "office");
  await second.client.stop("office");
  await second.client.wait("office", { for: "stopped" });

  const file = join(site.directory, "incident.json");
  const exported = await site.run(["export", "office", "-o", file], second.env);
  await second.terminate();
  const { events } = JSON.parse(await readFile(file, "utf8")) as Incident;
  const replayed = await site.run(["replay", file]);
  const forked = await site.run(["replay", file, "--what-if", `stop@${events.length}`, "--json"]);

  expect([exported.code, replayed.code, forked.code]).toEqual([0, 0, 0]);
  expect(events.some(({ to }) => to.startsWith("recovering"))).toBe(true);
  expect(replayed.stdout).toContain("○ office STOPPED");
  expect(jsonLines(forked.stdout)).toMatchObject([{ differences: [], events: [], view: { status: "STOPPED" } }]);
});
