import { readFileSync } from "node:fs";
import { hasCode } from "./record.ts";

/**
 * A file of a process in `/proc`; `null` if there is no such process (any more), or it may not be looked at.
 *
 * Throws everything else. Who can open no more files (EMFILE, ENFILE) knows nothing of others: taking it for their end would
 * have living machines given up.
 */
export function readProc(pid: number | string, file: "stat" | "environ", encoding: "latin1" | "utf8"): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, encoding);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ESRCH", "EACCES", "EPERM")) return null;
    throw error;
  }
}
