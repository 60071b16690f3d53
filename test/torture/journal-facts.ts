import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InstanceRow, WorkspaceRow } from "../../src/journal/spi.ts";
import { sqliteJournal } from "../../src/journal/sqlite.ts";
import type { TroupeEvent } from "../../src/model/workspace.ts";

/** What a journal holds. */
export interface JournalFacts {
  readonly workspaces: readonly WorkspaceRow[];
  readonly instances: readonly InstanceRow[];
  /** In the order of their positions. */
  readonly events: readonly TroupeEvent[];
}

/** SQLite's file and its write-ahead log. */
const FILES = ["journal.db", "journal.db-wal"];
const PAGE = 1_000;

/**
 * Reads what a killed server left, from a copy: opening the journal would mend it before the next server can.
 *
 * @param told instances that may have no events: those that waited, and were taken back.
 */
export function readJournal(dataDir: string, told: Iterable<string>): JournalFacts {
  const directory = mkdtempSync(join(tmpdir(), "troupe-torture-journal-"));
  try {
    for (const file of FILES) {
      if (existsSync(join(dataDir, file))) copyFileSync(join(dataDir, file), join(directory, file));
    }
    const journal = sqliteJournal({ file: join(directory, "journal.db") });
    const { rows: workspaces } = journal.workspaces({ limit: PAGE });
    const events: TroupeEvent[] = [];
    for (let page = journal.events({ after: 0, limit: PAGE }); page.length > 0; ) {
      events.push(...page);
      page = journal.events({ after: page.at(-1)?.position ?? 0, limit: PAGE });
    }
    const instanceIds = new Set([...told, ...journal.activeInstances().map(({ instanceId }) => instanceId)]);
    for (const { instanceId } of events) if (instanceId !== null) instanceIds.add(instanceId);
    const instances = [...instanceIds].flatMap((instanceId) => journal.instance(instanceId) ?? []);
    journal.close();
    return { workspaces, instances, events };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
