import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, type TroupeClient } from "troupe/client";

const READY_MS = 15_000;
const main = join(import.meta.dirname, "../dist/src/cli/main.js");

export interface BenchServer {
  readonly client: TroupeClient;
  /** Runs `troupe` with `args` against the server; what it prints is piped, what it remarks is dropped. */
  troupe(...args: readonly string[]): ChildProcess;
}

/** Runs `troupe serve` for as long as `work` takes, in a process of its own: the bench takes none of its time. */
export async function withServer(dataDir: string, work: (server: BenchServer) => Promise<void>): Promise<void> {
  const readyFile = join(dataDir, "ready.json");
  const where = ["--port", "0", "--output-port", "0", "--data-dir", join(dataDir, "data"), "--ready-file", readyFile];
  const how = ["--no-token", "--on-exit", "terminate", "--log-level", "warn"];
  const server = spawn(process.execPath, [main, "serve", ...where, ...how], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    const { url } = await ready(readyFile);
    await work({
      client: createClient({ url }),
      troupe: (...args) =>
        spawn(process.execPath, [main, ...args, "--url", url], { stdio: ["ignore", "pipe", "ignore"] }),
    });
  } finally {
    server.kill();
    await once(server, "exit");
  }
}

async function ready(file: string): Promise<{ url: string }> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      return JSON.parse(await readFile(file, "utf8")) as { url: string };
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(20);
    }
  }
}
