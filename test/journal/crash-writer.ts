/**
 * Writes into a journal until it is killed: `crash-writer.ts FILE ROUND`. Says on its output what it was told is done.
 */
import { writeSync } from "node:fs";
import { sqliteJournal } from "../../src/journal/sqlite.ts";
import { instanceRow, newEvent, workspaceRow } from "./rows.ts";

const [, , file = "", round = ""] = process.argv;
const journal = sqliteJournal({ file, retention: { eventsPerWorkspace: 100_000 } });
const acknowledge = (what: string) => writeSync(1, `${what}\n`);

for (let n = 0; ; n++) {
  const workspaceId = `ws-${round}-${n}`;
  const instanceId = `i-${round}-${n}`;
  journal.createWorkspace(workspaceRow(workspaceId));
  acknowledge(`workspace ${workspaceId}`);
  journal.createInstance(instanceRow(workspaceId, instanceId));
  acknowledge(`instance ${instanceId}`);
  for (let turn = 0; turn < 5; turn++) {
    const events = journal.append({
      events: [1, 2, 3].map(() => newEvent(workspaceId, instanceId, { status: "RUNNING" })),
      instances: [{ instanceId, readyAt: turn }],
    });
    acknowledge(`event ${instanceId} ${events.at(-1)?.sequence} ${events.at(-1)?.position}`);
  }
  journal.intend({ workspaceId, instanceId }, { desired: "stopped", forced: false, stopReason: null });
  acknowledge(`stopped ${instanceId}`);
}
