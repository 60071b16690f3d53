import { createHash, randomBytes } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SCHEMA_VERSION } from "../../src/journal/schema.ts";
import { sqliteJournal } from "../../src/journal/sqlite.ts";
import { instanceRow, newEvent, T0, workspaceRow } from "./rows.ts";

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "troupe-journal-"));
  file = join(directory, "journal.db");
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A journal with some pages of content, closed. */
function filledFile(): void {
  const journal = sqliteJournal({ file });
  for (let n = 0; n < 20; n++) journal.createWorkspace(workspaceRow(`ws-${n}`));
  journal.createInstance(instanceRow("ws-0", "i-0"));
  for (let n = 0; n < 20; n++) {
    journal.append({ events: Array.from({ length: 20 }, () => newEvent("ws-0", "i-0")), instances: [] });
  }
  journal.close();
}

function withDatabase(path: string, use: (db: Database.Database) => void): void {
  const db = new Database(path);
  use(db);
  db.close();
}

const hash = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** Opening fails with `error`, twice, and neither time touches the file. */
function expectRefused(error: Record<string, unknown>): void {
  const before = { hash: hash(file), modified: statSync(file).mtimeMs };
  for (let attempt = 1; attempt <= 2; attempt++) {
    expect(() => sqliteJournal({ file })).toThrow(expect.objectContaining(error));
    expect({ hash: hash(file), modified: statSync(file).mtimeMs }).toEqual(before);
  }
}

const damaged = () => ({ code: "JOURNAL_DAMAGED", message: expect.stringContaining(file) });

describe("sqliteJournal refuses, and leaves as it was,", () => {
  test("an empty file", () => {
    writeFileSync(file, "");
    expectRefused(damaged());
  });

  test("a file of text", () => {
    writeFileSync(file, "workspaces:\n  - shop\n".repeat(500));
    expectRefused(damaged());
  });

  test("a file of garbage, shorter and longer than a page", () => {
    for (const size of [7, 100_000]) {
      writeFileSync(file, randomBytes(size));
      expectRefused(damaged());
    }
  });

  test.each([0.1, 0.5, 0.9])("a journal that was cut off after %d of its length", (part) => {
    filledFile();
    truncateSync(file, Math.floor(statSync(file).size * part));
    expectRefused(damaged());
  });

  test("a journal with garbage in any of its pages", () => {
    filledFile();
    const whole = readFileSync(file);
    for (let page = 0; page < whole.length / 4_096; page++) {
      const holed = Buffer.from(whole);
      // The head of a page says what the page is. Page 1 has the file's own header before it, and its content at the end.
      holed.fill(0xa5, page * 4_096 + (page === 0 ? 100 : 0), page * 4_096 + 200);
      writeFileSync(file, holed);
      expectRefused(damaged());
    }
  });

  test("a database of another program", () => {
    withDatabase(file, (db) => db.exec("PRAGMA application_id = 4711; CREATE TABLE notes (text TEXT)"));
    expectRefused({ ...damaged(), message: `Cannot use journal "${file}": it is a database, but not a journal` });
  });

  test("a database of another program that is in use, in write-ahead mode", () => {
    withDatabase(file, (db) => {
      db.exec("PRAGMA journal_mode = WAL; CREATE TABLE notes (text TEXT)");
      expectRefused(damaged());
    });
  });

  test("a journal of a newer troupe, naming both versions", () => {
    filledFile();
    withDatabase(file, (db) => db.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 3}`));
    expectRefused({
      code: "JOURNAL_NEWER",
      message: expect.stringContaining(
        `version ${SCHEMA_VERSION + 3}, and this troupe knows versions up to ${SCHEMA_VERSION}`,
      ),
      details: { path: file, version: SCHEMA_VERSION + 3, supported: SCHEMA_VERSION },
    });
  });

  test("a directory, and a file in a directory that is not there", () => {
    mkdirSync(file);
    expect(() => sqliteJournal({ file })).toThrow(expect.objectContaining({ message: expect.stringContaining(file) }));
    expect(() => sqliteJournal({ file: join(directory, "no", "journal.db") })).toThrow(
      expect.objectContaining({ code: "INTERNAL", message: expect.stringContaining("no/journal.db") }),
    );
    expect(readdirSync(directory)).toEqual(["journal.db"]);
  });

  test("a retention that keeps nothing", () => {
    expect(() => sqliteJournal({ file, retention: { eventsPerWorkspace: 0 } })).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        problems: [expect.objectContaining({ path: "eventsPerWorkspace" })],
      }),
    );
  });
});

describe("the file of a journal", () => {
  test("is one file that only its owner may read, when the journal is closed and while it is open", () => {
    const journal = sqliteJournal({ file });
    journal.createWorkspace(workspaceRow("ws-1"));
    expect(readdirSync(directory).sort()).toEqual(["journal.db", "journal.db-wal"]);
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
    journal.close();

    expect(readdirSync(directory)).toEqual(["journal.db"]);
  });

  test("may have any name", () => {
    for (const name of ["a b.db", "50%.db", "what?.db", "#1.db", "file:x.db", "ü.db"]) {
      const odd = join(directory, name);
      sqliteJournal({ file: odd }).close();
      sqliteJournal({ file: odd }).close();
      expect(existsSync(odd)).toBe(true);
    }
  });

  test("is held by one journal at a time, and the others do not disturb it", () => {
    const journal = sqliteJournal({ file });
    journal.createWorkspace(workspaceRow("ws-1"));
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(() => sqliteJournal({ file })).toThrow(
        expect.objectContaining({ code: "DATA_DIRECTORY_IN_USE", message: expect.stringContaining(file) }),
      );
    }
    journal.createWorkspace(workspaceRow("ws-2"));
    journal.close();

    const next = sqliteJournal({ file });
    expect(next.countWorkspaces().STOPPED).toBe(2);
    next.close();
  });

  test("that was copied while it was written to is taken up with what was committed", () => {
    const journal = sqliteJournal({ file });
    journal.createWorkspace(workspaceRow("ws-1"));
    const copy = join(directory, "copy.db");
    copyFileSync(file, copy);
    copyFileSync(`${file}-wal`, `${copy}-wal`);
    journal.createWorkspace(workspaceRow("ws-2"));

    const taken = sqliteJournal({ file: copy });
    expect(taken.workspaces({ limit: 10 }).rows.map((row) => row.workspaceId)).toEqual(["ws-1"]);
    taken.close();
    journal.close();
    expect(readdirSync(directory).sort()).toEqual(["copy.db", "journal.db"]);
  });

  test("with the hot rollback journal of a migration that was killed is rolled back and used", () => {
    filledFile();
    const copy = join(directory, "copy.db");
    withDatabase(file, (db) => {
      // So small a cache that the change reaches the file before it is committed.
      db.exec("PRAGMA cache_size = 1; BEGIN; UPDATE events SET body = 'half' || body");
      copyFileSync(file, copy);
      copyFileSync(`${file}-journal`, `${copy}-journal`);
      db.exec("ROLLBACK");
    });
    expect(hash(copy)).not.toBe(hash(file));

    const journal = sqliteJournal({ file: copy });
    expect(journal.events({ after: 0, limit: 1_000 })).toHaveLength(400);
    journal.close();
  });

  test("whose page is damaged while it is open says so, and names the file", () => {
    filledFile();
    const journal = sqliteJournal({ file });
    const hole = openSync(file, "r+");
    for (let page = 1; page < statSync(file).size / 4_096; page++)
      writeSync(hole, Buffer.alloc(4_096, 0xa5), 0, 4_096, page * 4_096);
    // Left open: closing it would free the lock, which POSIX keeps by process and file.

    expect(() => journal.events({ after: 0, limit: 1_000 })).toThrow(expect.objectContaining(damaged()));
    expect(() => journal.createWorkspace(workspaceRow("ws-new"))).toThrow(expect.objectContaining(damaged()));
    journal.close();
  });
});

test("retention that became stricter reaches workspaces without new events", () => {
  filledFile();
  const journal = sqliteJournal({ file });
  while (journal.prune(T0));
  journal.close();
  const stricter = sqliteJournal({ file, retention: { eventsPerWorkspace: 5 } });
  while (stricter.prune(T0));

  expect(stricter.events({ workspaceId: "ws-0", after: 0, limit: 100 })).toHaveLength(5);
  stricter.close();
});
