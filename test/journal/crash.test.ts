import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import type { Journal } from "../../src/journal/spi.ts";
import { sqliteJournal } from "../../src/journal/sqlite.ts";

const writer = fileURLToPath(new URL("crash-writer.ts", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "troupe-crash-"));
const file = join(directory, "journal.db");
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs the writer and kills it once it has acknowledged so many writes. @returns all that it has acknowledged. */
async function writeUntilKilled(round: number, acknowledgements: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, ["--import", "tsx", writer, file, String(round)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(child, "exit");
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (lines.length === acknowledgements) child.kill("SIGKILL");
  }
  expect(await exit).toEqual([null, "SIGKILL"]);
  return lines;
}

function expectKept(journal: Journal, acknowledged: string): void {
  const [kind, id = "", sequence, position] = acknowledged.split(" ");
  switch (kind) {
    case "workspace":
      expect(journal.workspace(id), acknowledged).toBeDefined();
      return;
    case "instance":
      expect(journal.instance(id), acknowledged).toBeDefined();
      return;
    case "stopped":
      expect(journal.instance(id)?.desired, acknowledged).toBe("stopped");
      return;
    default:
      expect(journal.events({ instanceId: id, after: Number(position) - 1, limit: 1 }), acknowledged).toMatchObject([
        { sequence: Number(sequence), position: Number(position) },
      ]);
  }
}

/** Whether each turn is there as a whole: its events, the actor, the workspace's status and the instance's change. */
function expectWholeTurns(journal: Journal): void {
  for (const { workspaceId, instanceId, readyAt } of journal.activeInstances()) {
    const events = journal.events({ instanceId, after: 0, limit: 1_000 });
    const turns = events.length / 3;
    expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1));
    expect(readyAt).toBe(turns === 0 ? null : turns - 1);
    expect(journal.actors(instanceId)).toHaveLength(Math.min(1, turns));
    expect(journal.workspace(workspaceId)?.status).toBe(turns === 0 ? "STOPPED" : "RUNNING");
  }
}

test("a writer that is killed has lost nothing that it was told is done, and the next one goes on", async () => {
  const acknowledged: string[] = [];
  // Soon after the file was made, in the middle, and with more in the log than is written back at a time.
  for (const [round, count] of [1, 7, 60, 1_500].entries()) {
    acknowledged.push(...(await writeUntilKilled(round, count)));

    const journal = sqliteJournal({ file });
    for (const line of acknowledged) expectKept(journal, line);
    expectWholeTurns(journal);
    const { STOPPED, RUNNING } = journal.countWorkspaces();
    expect(STOPPED + RUNNING).toBe(journal.workspaces({ limit: 1_000 }).rows.length);
    journal.close();
  }
});
