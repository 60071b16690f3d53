import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Outcome, troupe } from "../examples/program.ts";
import { until } from "../until.ts";
import { endProcess, type Process, processesWith } from "./processes.ts";
import { RunningCommand } from "./running-command.ts";
import { type Ready, Server } from "./server.ts";

/** How long a server may take to be ready, and how long what was killed may take to go, in milliseconds. */
const PATIENCE_MS = 20_000;

/** Of the directories of this process's sites. */
const PREFIX = join(tmpdir(), `troupe-scenario-${process.pid}-`);

// Clears the sites of this process should it be killed: the net holds the other end of a pipe that ends with us.
spawn("/bin/sh", [new URL("programs/safety-net.sh", import.meta.url).pathname, PREFIX], {
  detached: true,
  stdio: ["pipe", "ignore", "ignore"],
}).unref();

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
    return new Site(await mkdtemp(PREFIX));
  }

  /** Runs a server until it can be used. With `at` it listens where that one did. `program`: another one than `troupe`. */
  async boot(flags: readonly string[] = [], at?: Server, program?: readonly string[]): Promise<Server> {
    const readyFile = join(this.directory, "ready.json");
    await rm(readyFile, { force: true }); // of a server that was killed
    const place = [...this.place(at), "--ready-file", readyFile, "--log-level", "warn"];
    const command = this.begin(["serve", ...place, ...flags], {}, program);
    const ended = command.outcome.then(({ stderr }) => {
      throw new Error(`The server ended before it was ready: ${stderr}`);
    });
    ended.catch(() => {}); // some time it ends in any case
    const isReady = until(() => existsSync(readyFile), {
      withinMs: PATIENCE_MS,
      what: "the server to be ready",
      everyMs: 5,
    });
    await Promise.race([isReady, ended]);
    return new Server(command, JSON.parse(readFileSync(readyFile, "utf8")) as Ready);
  }

  /** The flags of a server that uses this data directory, and any free ports or those of `at`. */
  place(at?: Server): string[] {
    const portOf = (url: string | undefined) => (url === undefined ? "0" : new URL(url).port);
    const ports = ["--port", portOf(at?.ready.url), "--output-port", portOf(at?.ready.outputUrl)];
    return [...ports, "--data-dir", this.dataDir];
  }

  begin(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    program: readonly string[] = [troupe],
  ): RunningCommand {
    // All that is begun here, directly or not, inherits this home, and is found by it.
    const base = { PATH: process.env["PATH"], HOME: this.directory, NO_COLOR: "1" };
    const command = new RunningCommand([...program, ...args], { ...base, ...env });
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
    await this.end();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Ends all that was begun; what was written stays. */
  async end(): Promise<void> {
    await Promise.all(this.#commands.map((command) => command.end("SIGKILL")));
    let remaining: readonly Process[] = [];
    const isQuiet = (): boolean => {
      remaining = processesWith("HOME", this.directory);
      for (const { pid } of remaining) endProcess(pid);
      return remaining.length === 0;
    };
    const what = () => `the end of ${remaining.map(({ command }) => command).join("; ")}`;
    await until(isQuiet, { withinMs: PATIENCE_MS, what });
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
