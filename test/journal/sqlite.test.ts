import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterAll, describe, expect, test } from "vitest";
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

describe("the epoch", () => {
  test("stays over a clean end, and over one that was not while the machine ran on", () => {
    const file = join(directory, `${++files}.db`);
    const first = sqliteJournal({ file });
    const { epoch } = first;
    first.close();

    const second = sqliteJournal({ file });

    expect(second.epoch).toBe(epoch);
    second.close();
  });

  test("is a new one after the machine was booted again with the file left open", () => {
    const file = join(directory, `${++files}.db`);
    const first = sqliteJournal({ file });
    const { epoch } = first;
    first.close();
    const db = new Database(file);
    db.exec("INSERT INTO meta VALUES ('boot', 'another')");
    db.close();

    const second = sqliteJournal({ file });

    expect(second.epoch).not.toBe(epoch);
    second.close();
  });
});
