/**
 * Small facts on disk that are made in one step.
 *
 * A record is a symbolic link whose target is the text. Making one is atomic and exclusive, here and in a shell
 * (`ln -s`): it is never half-written, the first one wins, and its own modification time says when it was made.
 */
import { lstat, readlink, symlink } from "node:fs/promises";

/** @returns whether this call made the record; `false` if there was one already. */
export async function writeRecord(path: string, text: string): Promise<boolean> {
  try {
    await symlink(text, path);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

/** The text of a record, or `null` if there is none. */
export async function readRecord(path: string): Promise<string | null> {
  try {
    return await readlink(path);
  } catch (error) {
    if (isAbsent(error) || hasCode(error, "EINVAL")) return null;
    throw error;
  }
}

/** When a record was made, in milliseconds since 1970. */
export async function recordedAt(path: string): Promise<number | null> {
  try {
    return Math.round((await lstat(path)).mtimeMs);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Whether a file operation failed because there is nothing at its path. */
export function isAbsent(error: unknown): boolean {
  return hasCode(error, "ENOENT", "ENOTDIR");
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.some((code) => code === error.code);
}
