import { open, readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { untilSteady } from "./follow.ts";
import { workspace } from "./office.ts";
import { scenario } from "./scenario.ts";
import type { Site } from "./site.ts";

/** Makes a journal with a workspace in it, changes it behind everybody's back, and tries to serve with it. */
async function serveAfter(site: Site, change: (journal: string) => Promise<void>) {
  const server = await site.boot();
  await server.client.create(workspace("kept", { idle: "exec sleep 600" }));
  await server.terminate();
  const journal = join(site.dataDir, "journal.db");
  await change(journal);
  const before = await readFile(journal);

  const { code, stderr } = await site.run(["serve", ...site.place()]);

  const isUnchanged = before.equals(await readFile(journal));
  return { code, stderr, isUnchanged };
}

async function overwrite(file: string, position: number, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.write(bytes, 0, bytes.length, position);
  } finally {
    await handle.close();
  }
}

describe.concurrent("a data directory", () => {
  scenario("is held by one server; a second one names it and ends", async ({ site }) => {
    const first = await site.boot();
    await first.client.create(workspace("kept", { idle: "exec sleep 600" }), { start: true });
    await untilSteady(first.client, "kept");

    const second = await site.run(["serve", ...site.place()]);

    expect(second.code).toBe(9);
    expect(second.stderr).toMatch(
      new RegExp(`^error: Cannot open data directory [^\\n]+process ${first.ready.pid} [^\\n]+\\n$`),
    );
    expect(await first.client.get("kept")).toMatchObject({ state: "running.steady" });
  });

  scenario.for([
    ["a damaged header", "file is not a database", (journal: string) => overwrite(journal, 0, Buffer.alloc(100, "x"))],
    [
      "a damaged page",
      "its pages contradict each other",
      (journal: string) => overwrite(journal, 4096, Buffer.alloc(4096, "x")),
    ],
    [
      "lost its second half",
      "database disk image is malformed",
      async (journal: string) => truncate(journal, (await readFile(journal)).length / 2),
    ],
  ] as const)("with a journal that has %s is refused, and left as it is", async ([, reason, damage], { site }) => {
    const { code, stderr, isUnchanged } = await serveAfter(site, damage);

    expect(stderr).toBe(`error: Cannot use journal "${join(site.dataDir, "journal.db")}": ${reason}\n`);
    expect(code).toBe(1);
    expect(isUnchanged).toBe(true);
  });

  scenario("with a journal of a later version is refused, and left as it is", async ({ site }) => {
    // The user version stands in bytes 60 to 63 of a database's header (SQLite, file format, 1.3).
    const { code, stderr, isUnchanged } = await serveAfter(site, (journal) =>
      overwrite(journal, 60, Buffer.from([0, 0, 0, 99])),
    );

    expect(stderr).toMatch(/^error: Cannot [^\n]+journal\.db[^\n]+99[^\n]*\n$/);
    expect(code).toBe(1);
    expect(isUnchanged).toBe(true);
  });
});
