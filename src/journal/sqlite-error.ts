import { TroupeError } from "../errors.ts";
import { isUnreadable } from "./codec.ts";

/** The one place that knows what the database's errors mean to us. What is not the database's comes back as it is. */
export function sqliteError(error: unknown, path: string): unknown {
  if (isUnreadable(error)) return damaged(path, "it holds a value that cannot be read", { cause: error });
  const code = sqliteCode(error);
  if (code === undefined) return error;

  const options = { cause: error, details: { path, sqlite: code } };
  if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
    return new TroupeError("DATA_DIRECTORY_IN_USE", `Cannot use journal "${path}": somebody else holds it`, options);
  }
  if (code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB")) {
    return damaged(path, (error as Error).message, options);
  }
  if (code.startsWith("SQLITE_FULL")) {
    return new TroupeError("INFRASTRUCTURE_UNAVAILABLE", `Cannot write journal "${path}": the disk is full`, options);
  }
  return new TroupeError("INTERNAL", `Cannot use journal "${path}": ${(error as Error).message}`, options);
}

export function damaged(path: string, what: string, options: { readonly cause?: unknown } = {}): TroupeError {
  return new TroupeError("JOURNAL_DAMAGED", `Cannot use journal "${path}": ${what}`, { details: { path }, ...options });
}

/** `SQLITE_BUSY`, `SQLITE_CONSTRAINT_CHECK`, …; `undefined` for errors that are not SQLite's. */
export function sqliteCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : undefined;
}
