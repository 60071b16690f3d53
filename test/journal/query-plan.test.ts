import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterAll, expect, test, vi } from "vitest";
import { JournalFile } from "../../src/journal/journal-file.ts";
import { sqliteJournal } from "../../src/journal/sqlite.ts";

/** Whole indexes or tables that may be gone through: each holds only what the answer is made of. */
const complete = [
  /^SCAN workspace_counts$/,
  /^SCAN leaks$/,
  /^SCAN sqlite_sequence$/,
  /^SCAN \w+ USING INDEX (active_instances|deleting_workspaces)$/,
];

const directory = mkdtempSync(join(tmpdir(), "troupe-journal-"));
const file = join(directory, "journal.db");
const prepare = vi.spyOn(JournalFile.prototype, "prepare");
sqliteJournal({ file }).close();
const statements = [...new Set(prepare.mock.calls.map(([sql]) => sql.replaceAll(/\s+/g, " ").trim()))];
prepare.mockRestore();
const db = new Database(file);

afterAll(() => {
  db.close();
  rmSync(directory, { recursive: true });
});

test("the journal has statements to look at", () => {
  expect(statements.length).toBeGreaterThan(40);
});

test.each(statements.filter((sql) => !sql.startsWith("INSERT")))("no scan and no sorting in: %s", (sql) => {
  const plan = (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[]).map(({ detail }) => detail);
  const costly = plan.filter(
    (step) => /^SCAN \w/.test(step) && !/^SCAN CONSTANT ROW/.test(step) && !complete.some((known) => known.test(step)),
  );

  expect({ costly, sorting: plan.filter((step) => step.includes("TEMP B-TREE FOR ORDER BY")) }).toEqual({
    costly: [],
    sorting: [],
  });
});
