/** File operations for which "it is not there" is an answer, not a failure. */
import { randomUUID } from "node:crypto";
import { chmod, lstat, mkdir, readdir, readFile, rename, rm, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { hasCode, isAbsent } from "./record.ts";

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(() => true, unlessAbsent(false));
}

/** Names in a directory, sorted; none if it is not there. */
export async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).then((names) => names.sort(), unlessAbsent([]));
}

export async function readText(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch(unlessAbsent(null));
}

export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch(unlessAbsent(undefined));
}

/** For our own directories: nobody else may look in. */
export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
}

/** Replaces a file in one step. Readers see the old content or the new. */
export async function replaceFile(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const draft = join(dirname(path), `.${randomUUID()}.new`);
  await writeFile(draft, content, { mode });
  await chmod(draft, mode); // what the umask took away
  await rename(draft, path);
}

/** Removes a directory and all in it, read-only directories (as package caches make them) included. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    if (!hasCode(error, "EACCES", "EPERM")) throw error;
    await openDirectories(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function openDirectories(path: string): Promise<void> {
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await openDirectories(join(path, entry.name));
  }
}

function unlessAbsent<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (isAbsent(error)) return value;
    throw error;
  };
}
