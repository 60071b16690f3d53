import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { sqliteJournal } from "../../src/journal/sqlite.ts";
import { journalContract } from "../contracts/journal.ts";

const directory = mkdtempSync(join(tmpdir(), "troupe-journal-"));
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;

journalContract("sqliteJournal in memory", (retention = {}) => ({
  journal: sqliteJournal({ file: ":memory:", retention }),
}));

journalContract("sqliteJournal in a file", (retention = {}) => {
  const file = join(directory, `${++files}.db`);
  let journal = sqliteJournal({ file, retention });
  return {
    journal,
    reopen: () => {
      journal.close();
      journal = sqliteJournal({ file, retention });
      return journal;
    },
  };
});
