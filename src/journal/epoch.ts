import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { type Bytes, bytesOf, text } from "./codec.ts";
import type { JournalFile } from "./journal-file.ts";

/**
 * The epoch in which the positions from now on are given.
 *
 * A power cut may undo the last events that were told, and then their positions are given again. So a file that was
 * left open under another boot of the machine begins a new epoch: cursors from before it are answered by a gap.
 */
export function openEpoch(file: JournalFile): string {
  const leftOpenUnder = read(file, "boot");
  const boot = bootId();
  return file.durably(() => {
    if (leftOpenUnder !== undefined && leftOpenUnder !== boot) write(file, "epoch", randomBytes(8).toString("hex"));
    write(file, "boot", boot);
    return read(file, "epoch") ?? "";
  });
}

/** All that was told is in the file: the epoch goes on. */
export function closeEpoch(file: JournalFile): void {
  if (!file.isClosed) file.durably(() => file.prepare("DELETE FROM meta WHERE key = 'boot'").run());
}

function read(file: JournalFile, key: string): string | undefined {
  const value = (row: { readonly value: Bytes }) => text(row.value);
  return file.prepare(`SELECT ${bytesOf("value")} FROM meta WHERE key = ?`, value).get(key);
}

function write(file: JournalFile, key: string, value: string): void {
  file.prepare("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value").run(key, value);
}

/** Linux names each boot. Elsewhere its time, to the minute, has to do: a clock that was set costs a needless gap. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return `booted ${Math.round((Date.now() - uptime() * 1_000) / 60_000)}`;
  }
}
