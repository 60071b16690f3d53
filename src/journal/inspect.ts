/** Looks at a file before it is opened for writing, so that what is not ours stays as it is, byte for byte. */
import { randomUUID } from "node:crypto";
import { closeSync, existsSync, linkSync, openSync, rmSync, statSync } from "node:fs";
import { pathToFileURL } from "node:url";
import Database from "libsql";
import { TroupeError } from "../errors.ts";
import { APPLICATION_ID, migration, SCHEMA_VERSION } from "./schema.ts";
import { damaged, sqliteCode, sqliteError } from "./sqlite-error.ts";

/**
 * Files up to this size are checked page by page when they are opened. Beyond it the start would have to wait
 * too long; there the header and the length are checked, and a damaged page is found when it is first read.
 */
const FULL_CHECK_BYTES = 64 * 1024 * 1024;

/**
 * Makes the file if there is none: complete, or not at all, so that an empty file is a damaged one.
 *
 * Only its owner may read it, since configs may hold secrets; SQLite gives its log the same mode.
 */
export function createFile(path: string): void {
  if (existsSync(path)) return;
  const draft = `${path}.${randomUUID()}.new`;
  try {
    closeSync(openSync(draft, "wx", 0o600));
    const db = new Database(draft);
    try {
      db.exec(migration(0));
    } finally {
      db.close();
    }
    linkSync(draft, path);
  } catch (error) {
    // Another starter was quicker: its file is as good.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw cannotCreate(path, error);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** @throws {TroupeError} `JOURNAL_DAMAGED`, `JOURNAL_NEWER`, `DATA_DIRECTORY_IN_USE`. */
export function inspect(path: string): void {
  const { size } = statSync(path);
  if (size === 0) throw damaged(path, "it is empty");
  // Read-only, and without prepared statements: those would keep the file open after close().
  const db = new Database(`${pathToFileURL(path).href}?mode=ro`);
  try {
    db.exec("CREATE TEMP TABLE claim (holds INTEGER CHECK (holds))");
    if (!holds(db, `application_id = ${APPLICATION_ID} FROM pragma_application_id`)) {
      throw damaged(path, "it is a database, but not a journal");
    }
    if (!holds(db, `user_version <= ${SCHEMA_VERSION} FROM pragma_user_version`)) throw newer(path, versionOf(db));
    if (size <= FULL_CHECK_BYTES && !holds(db, "quick_check = 'ok' FROM pragma_quick_check(1)")) {
      throw damaged(path, "its pages contradict each other");
    }
  } catch (error) {
    // Somebody was killed in the middle of a migration. Opening the file for writing undoes it; nothing can be read before.
    if (sqliteCode(error) === "SQLITE_READONLY_ROLLBACK") return;
    throw sqliteError(error, path);
  } finally {
    db.close();
  }
}

/** Asks by way of a constraint: an answer in rows would need a prepared statement. */
function holds(db: Database.Database, claim: string): boolean {
  try {
    db.exec(`INSERT INTO temp.claim SELECT ${claim}`);
    return true;
  } catch (error) {
    if (sqliteCode(error) === "SQLITE_CONSTRAINT_CHECK") return false;
    throw error;
  }
}

function versionOf(db: Database.Database): number {
  return (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
}

function newer(path: string, version: number): TroupeError {
  return new TroupeError(
    "JOURNAL_NEWER",
    `Cannot use journal "${path}": it has version ${version}, and this troupe knows versions up to ${SCHEMA_VERSION}`,
    { details: { path, version, supported: SCHEMA_VERSION } },
  );
}

function cannotCreate(path: string, cause: unknown): TroupeError {
  return new TroupeError("INTERNAL", `Cannot create journal "${path}": ${(cause as Error).message}`, {
    cause,
    details: { path },
  });
}
