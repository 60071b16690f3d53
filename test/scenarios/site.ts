/** A data directory of its own, the servers that run on it one after the other, and nothing left of either in the end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test, vi } from "vitest";
import { createClient, type TroupeClient } from "../../src/client/index.ts";
import { type Outcome, root, troupe } from "../examples/program.ts";
import { type Process, processesWith } from "./processes.ts";

/** How long a server may take to be ready, and how long what was killed may take to go, in milliseconds. */
const PATIENCE_MS = 20_000;

/** A test with a site of its own. */
export const scenario = test.extend<{ site: Site }>({
  site: async ({ onTestFailed }, use) => {
    await withSite(async (site) => {
      onTestFailed(() => void process.stderr.write(site.log));
      await use(site);
    });
  },
});

/** Clears the site when `work` is over, however that ends. */
export async function withSite<Result>(work: (site: Site) => Promise<Result>): Promise<Result> {
  const site = await Site.create();
  try {
    return await work(site);
  } finally {
    await site.clear();
  }
}

interface Ready {
  readonly url: string;
  readonly outputUrl: string;
  readonly pid: number;
  readonly token?: string;
}

export class Site {
  readonly directory: string;
  readonly dataDir: string;
  readonly #children: ChildProcess[] = [];
  #logs = "";

  private constructor(directory: string) {
    this.directory = directory;
    this.dataDir = join(directory, "data");
  }

  /** Whoever makes one calls {@link clear} in the end. */
  static async create(): Promise<Site> {
    return new Site(await mkdtemp(join(tmpdir(), "troupe-scenario-")));
  }

  /** Runs a server until it can be used. With `at` it listens where that one did. */
  async boot(flags: readonly string[] = [], at?: Server): Promise<Server> {
    const readyFile = join(this.directory, "ready.json");
    const ports = [at?.ready.url, at?.ready.outputUrl].map((url) => (url === undefined ? "0" : new URL(url).port));
    const [port = "0", outputPort = "0"] = ports;
    const place = ["--port", port, "--output-port", outputPort, "--data-dir", this.dataDir, "--ready-file", readyFile];
    await rm(readyFile, { force: true }); // of a server that was killed
    const { child, outcome } = this.run(["serve", ...place, "--log-level", "warn", ...flags]);
    const ended = outcome.then(({ stderr }) => {
      throw new Error(`The server ended before it was ready: ${stderr}`);
    });
    ended.catch(() => {}); // some time it ends in any case
    await Promise.race([vi.waitUntil(() => existsSync(readyFile), { timeout: PATIENCE_MS, interval: 5 }), ended]);
    return new Server(child, JSON.parse(readFileSync(readyFile, "utf8")) as Ready);
  }

  /** Runs `troupe` as a process of its own. */
  run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): { child: ChildProcess; outcome: Promise<Outcome> } {
    const child = spawn(process.execPath, [troupe, ...args], {
      cwd: root,
      // All that is begun here, directly or not, inherits this home, and is found by it.
      env: { PATH: process.env["PATH"], HOME: this.directory, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.push(child);
    const outcome = Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]).then(
      ([[code], stdout, stderr]) => {
        this.#logs += stderr;
        return { code: code as number | null, stdout, stderr };
      },
    );
    return { child, outcome };
  }

  /** Runs a command against a server. */
  command(server: Server, ...args: readonly string[]): Promise<Outcome> {
    const { url, token } = server.ready;
    return this.run(args, { TROUPE_URL: url, ...(token === undefined ? {} : { TROUPE_TOKEN: token }) }).outcome;
  }

  async file(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.directory, name);
    await writeFile(path, content);
    return path;
  }

  /** What the servers that have ended wrote to stderr. */
  get log(): string {
    return this.#logs;
  }

  /** Everything that runs for any instance, whatever has become of its parents. */
  processes(): Process[] {
    return processesWith("HOME", this.directory).filter(({ env }) => env["TROUPE_INSTANCE_ID"] !== undefined);
  }

  /** Names of files in a directory of the data directory. */
  files(directory: "instances" | "ports" | "volumes"): string[] {
    const path = join(this.dataDir, directory);
    return existsSync(path) ? readdirSync(path) : [];
  }

  /** The lines of a file in the volume `data` of the one workspace that there is; none if there is no such file. */
  linesInVolume(name: string): string[] {
    const [workspace = ""] = this.files("volumes");
    const path = join(this.dataDir, "volumes", workspace, "data", name);
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  /** What there is of an instance, or of any: to be compared with {@link NOTHING}. */
  left(instanceId = ""): { processes: Process[]; instances: string[]; ports: string[] } {
    const holds = (port: string) => readlinkSync(join(this.dataDir, "ports", port)).includes(instanceId);
    return {
      processes: this.processes().filter(({ env }) => env["TROUPE_INSTANCE_ID"]?.includes(instanceId)),
      instances: this.files("instances").filter((name) => name.includes(instanceId)),
      ports: this.files("ports").filter(holds),
    };
  }

  async clear(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await vi.waitFor(
      () => {
        const remaining = processesWith("HOME", this.directory);
        for (const { pid } of remaining) kill(pid);
        if (remaining.length > 0) throw new Error(`Cannot end ${remaining.map(({ command }) => command).join("; ")}`);
      },
      { timeout: PATIENCE_MS, interval: 10 },
    );
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** What is left of an instance that has stopped. */
export const NOTHING = { processes: [], instances: [], ports: [] };

/** One running `troupe serve`. */
export class Server {
  readonly ready: Ready;
  readonly client: TroupeClient;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, ready: Ready) {
    this.#child = child;
    this.ready = ready;
    this.client = createClient({ url: ready.url, ...(ready.token === undefined ? {} : { token: ready.token }) });
  }

  /** `kill -9`: resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** As an init system would. @returns the exit code. */
  terminate(): Promise<number | null> {
    return this.#end("SIGTERM");
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const exited = once(this.#child, "exit");
    this.#child.kill(signal);
    return (await exited)[0] as number | null;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}
