import { symlinkSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { TroupeError } from "../../src/errors.ts";
import { eventsOf, untilSteady } from "../scenarios/follow.ts";
import { workspace } from "../scenarios/office.ts";
import { scenario } from "../scenarios/scenario.ts";
import { until } from "../until.ts";
import { makeReadOnly, noTmpfs, withTmpfs } from "./tmpfs.ts";

const idle = (name: string) => workspace(name, { idle: "exec sleep 600" });

/** Writes a file until there is no room for more. @returns what makes room again. */
async function fill(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, "ballast");
  const file = await open(path, "w");
  for (let bytes = 64 * 1024; bytes >= 1; ) {
    try {
      await file.write(Buffer.alloc(bytes));
    } catch {
      bytes = Math.floor(bytes / 2);
    }
  }
  await file.close();
  return () => rm(path);
}

describe.skipIf(noTmpfs !== null)(`the disk of a data directory${noTmpfs === null ? "" : ` (${noTmpfs})`}`, () => {
  scenario(
    "when full fails commands clearly, loses nothing that was acknowledged, and needs only room",
    async ({ site }) => {
      await withTmpfs(16, async (disk) => {
        symlinkSync(disk, site.dataDir);
        const server = await site.boot();
        const { client } = server;
        const { instanceId } = await client.create(idle("kept"), { start: true });
        await untilSteady(client, "kept");
        const makeRoom = await fill(disk);

        // The log has room that it made before; so the first ones may succeed.
        const created: string[] = [];
        const refusal = await until(
          async () => {
            const name = `created-${created.length}`;
            const answer = await client.create(idle(name)).catch((error: unknown) => error);
            if (!(answer instanceof TroupeError)) created.push(name);
            return answer instanceof TroupeError && answer;
          },
          { withinMs: 30_000, what: "a create to be refused", everyMs: 0 },
        );
        expect(refusal).toMatchObject({ code: "INFRASTRUCTURE_UNAVAILABLE", status: 503, retryable: true });
        expect(refusal.message).toMatch(/disk is full/);
        await expect(client.start("kept")).resolves.toMatchObject({ status: "RUNNING" }); // asks for nothing new
        await expect(client.stop("kept")).rejects.toMatchObject({ code: "INFRASTRUCTURE_UNAVAILABLE" });

        await makeRoom();
        await client.create(idle("after"), { start: true });
        await untilSteady(client, "after");
        expect(await client.get("kept")).toMatchObject({ state: "running.steady", instanceId });

        await server.kill();
        const next = await site.boot();
        await untilSteady(next.client, "kept");
        const { workspaces } = await next.client.list({ limit: 1_000 });
        expect(workspaces.map(({ name }) => name)).toEqual(["kept", ...created, "after"]);
        expect(await next.client.get("kept")).toMatchObject({ instanceId, failure: null });
        const events = (await eventsOf(next.client, "kept")).filter((event) => event.instanceId === instanceId);
        expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
      });
    },
  );

  scenario("when read-only is refused, and the refusal says so", async ({ site }) => {
    await withTmpfs(16, async (disk) => {
      symlinkSync(disk, site.dataDir);
      const server = await site.boot();
      await server.client.create(idle("kept"));
      await server.terminate();
      makeReadOnly(disk);

      const { code, stderr } = await site.run(["serve", ...site.place()]);

      expect(stderr).toMatch(/^error: Cannot use data directory "[^"]+":\s[^\n]*EROFS: read-only file system[^\n]*\n$/);
      expect(code).not.toBe(0);
    });
  });
});
