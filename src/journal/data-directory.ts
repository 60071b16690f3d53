/** The one directory in which a supervisor keeps its files. One process at a time holds it. */
import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { TroupeError } from "../errors.ts";
import { sqliteCode } from "./sqlite-error.ts";

export interface DataDirectory {
  /** Absolute, links resolved. */
  readonly path: string;
  /** The path of a file in it. */
  file(name: string): string;
  /** Lets others hold it. May be called twice; a process that ends, however it ends, need not. */
  release(): void;
}

/** Who holds a data directory; in `holder.json`, for people and for the message that the next opener gets. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process was started, in milliseconds since 1970. */
  readonly startedAt: number;
  /** Since when it holds the directory, in milliseconds since 1970. */
  readonly since: number;
}

const LOCK = "lock";
const HOLDER = "holder.json";

/** How long an opener that meets the lock waits for the holder to say who it is. It takes a millisecond. */
const INTRODUCTION_MS = 1_000;
const POLL_MS = 10;

/**
 * Makes the directory (only its owner may enter it), unless it exists, and holds it.
 *
 * The lock is SQLite's, on an empty database beside the journal: a range of the file that the kernel frees when the process
 * ends, that no child process inherits, and that knows two openers of one process apart. Opening `lock` by
 * any other means, and closing it, would free it: POSIX gives a process one lock per file.
 *
 * @throws {TroupeError} `DATA_DIRECTORY_IN_USE`, naming the holder; `CONFIG_INVALID` if it can't be a directory of ours.
 */
export function openDataDirectory(path: string): DataDirectory {
  const directory = makeDirectory(path);
  const unlock = lock(directory);
  try {
    introduce(directory);
  } catch (error) {
    unlock();
    throw unusable(directory, error);
  }
  let isHeld = true;
  return {
    path: directory,
    file: (name) => join(directory, name),
    release: () => {
      if (!isHeld) return;
      isHeld = false;
      rmSync(join(directory, HOLDER), { force: true });
      unlock();
    },
  };
}

function makeDirectory(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return realpathSync(path);
  } catch (error) {
    throw unusable(path, error);
  }
}

/** @returns what gives the lock back. */
function lock(directory: string): () => void {
  const giveUpAt = Date.now() + INTRODUCTION_MS;
  for (;;) {
    const unlock = tryLock(directory);
    if (unlock !== undefined) return unlock;
    const holder = readHolder(directory);
    if (holder !== undefined && mayLive(holder)) throw inUse(directory, holder);
    if (Date.now() >= giveUpAt) throw inUse(directory, undefined);
    pause(POLL_MS);
  }
}

function tryLock(directory: string): (() => void) | undefined {
  let db: Database.Database | undefined;
  try {
    db = new Database(join(directory, LOCK));
    // By exec() alone: a prepared statement would keep the file, and the lock, after close().
    db.exec("BEGIN EXCLUSIVE");
    const held = db;
    return () => held.close();
  } catch (error) {
    db?.close();
    if (sqliteCode(error) === "SQLITE_BUSY") return undefined;
    throw unusable(directory, error);
  }
}

/** Says who holds the directory. Whoever reads it sees all of it or what was there before. */
function introduce(directory: string): void {
  const now = Date.now();
  const holder: Holder = {
    pid: process.pid,
    host: hostname(),
    startedAt: Math.round(now - process.uptime() * 1_000),
    since: now,
  };
  const draft = join(directory, `${HOLDER}.new`);
  writeFileSync(draft, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  renameSync(draft, join(directory, HOLDER));
}

function readHolder(directory: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(join(directory, HOLDER), "utf8")) as Holder;
    return Number.isInteger(holder.pid) && Number.isFinite(holder.since) ? holder : undefined;
  } catch {
    // Not written yet, or removed just now.
    return undefined;
  }
}

/** A holder that was killed leaves its name behind; the next one replaces it as soon as it has the lock. */
function mayLive({ pid, host }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function inUse(path: string, holder: Holder | undefined): TroupeError {
  const who =
    holder === undefined
      ? "another process holds it"
      : `process ${holder.pid} on "${holder.host}" holds it since ${new Date(holder.since).toISOString()}`;
  return new TroupeError("DATA_DIRECTORY_IN_USE", `Cannot open data directory "${path}": ${who}`, {
    details: { path, ...holder },
  });
}

function unusable(path: string, cause: unknown): TroupeError {
  const { message } = cause as Error;
  return new TroupeError("CONFIG_INVALID", `Cannot use data directory "${path}": ${message}`, {
    cause,
    problems: [{ path: "dataDir", message }],
  });
}

/** Synchronous, because opening is; for milliseconds, at boot. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
