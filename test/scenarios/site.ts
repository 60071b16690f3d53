import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import type { Outcome } from "../examples/program.ts";
import { endProcess, type Process, processesWith } from "./processes.ts";
import { RunningCommand } from "./running-command.ts";
import { type Ready, Server } from "./server.ts";

/** How long a server may take to be ready, and how long what was killed may take to go, in milliseconds. */
const PATIENCE_MS = 20_000;

/** A data directory of its own, the servers that run on it one after the other, and all that they leave running. */
export class Site {
  readonly directory: string;
  readonly dataDir: string;
  readonly #commands: RunningCommand[] = [];

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
    await rm(readyFile, { force: true }); // of a server that was killed
    const place = [...this.place(at), "--ready-file", readyFile, "--log-level", "warn"];
    const command = this.begin(["serve", ...place, ...flags]);
    const ended = command.outcome.then(({ stderr }) => {
      throw new Error(`The server ended before it was ready: ${stderr}`);
    });
    ended.catch(() => {}); // some time it ends in any case
    await Promise.race([vi.waitUntil(() => existsSync(readyFile), { timeout: PATIENCE_MS, interval: 5 }), ended]);
    return new Server(command, JSON.parse(readFileSync(readyFile, "utf8")) as Ready);
  }

  /** The flags of a server that uses this data directory, and any free ports or those of `at`. */
  place(at?: Server): string[] {
    const portOf = (url: string | undefined) => (url === undefined ? "0" : new URL(url).port);
    const ports = ["--port", portOf(at?.ready.url), "--output-port", portOf(at?.ready.outputUrl)];
    return [...ports, "--data-dir", this.dataDir];
  }

  begin(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningCommand {
    // All that is begun here, directly or not, inherits this home, and is found by it.
    const base = { PATH: process.env["PATH"], HOME: this.directory, NO_COLOR: "1" };
    const command = new RunningCommand(args, { ...base, ...env });
    this.#commands.push(command);
    return command;
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    return this.begin(args, env).outcome;
  }

  async file(name: string, content: string): Promise<string> {
    const path = join(this.directory, name);
    await writeFile(path, content);
    return path;
  }

  /** What all commands wrote to stderr. */
  get log(): string {
    return this.#commands.map(({ stderr }) => stderr).join("");
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
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  }

  /** Who holds which port: the lease is the target of a link (`src/infrastructure/process/ports.ts`). */
  leases(): { readonly instanceId: string; readonly port: string }[] {
    return this.files("ports").flatMap((port) => {
      try {
        const { instanceId } = JSON.parse(readlinkSync(join(this.dataDir, "ports", port))) as { instanceId: string };
        return [{ instanceId, port }];
      } catch {
        return []; // given back just now
      }
    });
  }

  /** What is left of all instances: to be compared with {@link NOTHING}. */
  left(): Left {
    return { processes: this.processes(), instances: this.files("instances"), ports: this.files("ports") };
  }

  /** Ends all that was begun, and removes all that was written. */
  async clear(): Promise<void> {
    await Promise.all(this.#commands.map((command) => command.end("SIGKILL")));
    await vi.waitFor(
      () => {
        const remaining = processesWith("HOME", this.directory);
        for (const { pid } of remaining) endProcess(pid);
        if (remaining.length > 0) throw new Error(`Cannot end ${remaining.map(({ command }) => command).join("; ")}`);
      },
      { timeout: PATIENCE_MS, interval: 10 },
    );
    await rm(this.directory, { recursive: true, force: true });
  }
}

export interface Left {
  readonly processes: readonly Process[];
  /** Files and directories. */
  readonly instances: readonly string[];
  /** Leases. */
  readonly ports: readonly string[];
}

/** What is left where every instance has stopped. */
export const NOTHING: Left = { processes: [], instances: [], ports: [] };
