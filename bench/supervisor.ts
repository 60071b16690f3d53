import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSupervisor, type Supervisor } from "troupe";
import { processInfrastructure } from "troupe/process";
import { sqliteJournal } from "troupe/sqlite";

/** A supervisor as `troupe serve` makes it: real processes, and a journal on the disk. */
export async function openSupervisor(dataDir: string): Promise<Supervisor> {
  return createSupervisor({
    infrastructures: [processInfrastructure({ dataDir })],
    journal: sqliteJournal({ file: join(dataDir, "journal.db") }),
  });
}

/** Gives `work` a directory of its own, and removes it afterwards. */
export async function withDirectory(work: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "troupe-bench-"));
  try {
    await work(dataDir);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}
