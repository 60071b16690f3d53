import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TroupeClient } from "../../src/client/index.ts";
import type { WorkspaceView } from "../../src/model/workspace.ts";
import { isMoment, untilEvent, untilSteady } from "./follow.ts";
import { isReady, normalRun } from "./normal-run.ts";
import { office } from "./office.ts";
import { Site } from "./site.ts";

const normal = await normalRun();

let site: Site;
let client: TroupeClient;

beforeAll(async () => {
  site = await Site.create();
  ({ client } = await site.boot());
});
afterAll(() => site.clear());

/** What is left of one instance; the others live on beside it. */
function leftOf({ instanceId }: WorkspaceView): readonly unknown[] {
  return [
    ...site.processes().filter(({ env }) => env["TROUPE_INSTANCE_ID"] === instanceId),
    ...site.files("instances").filter((name) => name.startsWith(`${instanceId}`)),
    ...site.leases().filter((lease) => lease.instanceId === instanceId),
  ];
}

describe("a stop", () => {
  test.concurrent.for(normal.starting.map((moment, index) => ({ ...moment, name: `office-${index}` })))(
    "when $actor is $state of a start ends in STOPPED, and a new start runs",
    async ({ name, ...moment }) => {
      const { cursor } = await client.events((await client.create(office(name))).id);
      const first = await client.start(name);
      await untilEvent(client, name, cursor, (event) => isMoment(moment)(event) || isReady(event));

      await client.stop(name);
      const stopped = await client.wait(name, { for: "stopped" });

      expect(stopped).toMatchObject({ instanceId: first.instanceId, failure: null, stopReason: { by: "user" } });
      expect(leftOf(first)).toEqual([]);

      const second = await client.start(name);
      const running = await untilSteady(client, name);
      expect(second.instanceId).not.toBe(first.instanceId);
      expect(running.instanceId).toBe(second.instanceId);

      await client.stop(name);
      await client.wait(name, { for: "stopped" });
      expect(leftOf(second)).toEqual([]);
    },
  );
});
