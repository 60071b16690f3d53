import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { Worker } from "node:worker_threads";
import { type ExecRequest, type Exit, type MachineSpec, type StartedMachine, TroupeError } from "troupe";
import type { MachineOutput } from "./machine-output.ts";
import type { OutputLog } from "./output-log.ts";

/**
 * One machine: its command is a JavaScript module that runs in a thread; installers run as child processes.
 *
 * What an installer leaves behind in a session of its own is not found again: for that a place needs containers, or
 * the marks in the environment by which `troupe/process` finds it.
 */
export class ThreadMachine {
  readonly #spec: MachineSpec;
  readonly #directory: string;
  readonly #output: MachineOutput;
  readonly #installers = new Map<string, { readonly child: ChildProcess; readonly exit: Promise<Exit> }>();
  #env: Readonly<Record<string, string>> = {};
  #worker: Worker | null = null;
  #isKilled = false;
  #end: (exit: Exit) => void = () => {};

  started: StartedMachine | null = null;
  /** How it ended last. */
  exit: Exit | null = null;
  /** Resolves when what was started last has ended. */
  ended: Promise<Exit> = new Promise(() => {});

  constructor(spec: MachineSpec, directory: string, output: MachineOutput) {
    this.#spec = spec;
    this.#directory = directory;
    this.#output = output;
  }

  get isRunning(): boolean {
    return this.started !== null && this.exit === null;
  }

  start(started: StartedMachine, env: Readonly<Record<string, string>>): void {
    this.#env = env;
    this.started = started;
    this.exit = null;
    this.#isKilled = false;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    if (this.#spec.command !== null) void this.#run(this.#spec.command).then((exit) => this.#hasEnded(exit)); // watched by `ended`
  }

  /** Never rejects: a module that cannot be run is one that ended with code 1. */
  async #run([module = "", ...argv]: readonly string[]): Promise<Exit> {
    const limitBytes = this.#spec.memoryLimitBytes;
    const worker = new Worker(resolve(this.#spec.workingDir ?? this.#directory, module), {
      argv,
      env: this.#env,
      stdout: true,
      stderr: true,
      resourceLimits: limitBytes === null ? {} : { maxOldGenerationSizeMb: limitBytes / 2 ** 20 },
    });
    this.#worker = worker;

    const log = this.#output.log("");
    let oomKilled = false;
    worker.on("error", (error: NodeJS.ErrnoException) => {
      oomKilled = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      log.write(Buffer.from(`${error.stack}\n`));
    });
    const code = new Promise<number>((resolve) => worker.on("exit", resolve));
    await Promise.all([code, drain(worker.stdout, log), drain(worker.stderr, log)]);
    log.flush();
    const how = this.#isKilled ? { code: null, signal: "SIGKILL" } : { code: await code, signal: null };
    return { ...how, oomKilled, at: Date.now() };
  }

  #hasEnded(exit: Exit): void {
    this.exit = exit;
    this.#worker = null;
    this.#killInstallers("SIGKILL");
    this.#end(exit);
  }

  /** Runs a command once per id, however often it is asked for. */
  exec({ id, command, env }: ExecRequest): Promise<Exit> {
    const begun = this.#installers.get(id);
    if (begun) return begun.exit;
    if (!this.isRunning) {
      throw new TroupeError("MACHINE_EXITED", `Cannot run "${id}" in machine "${this.#spec.name}": it does not run`);
    }

    const [program = "", ...args] = command;
    const child = spawn(program, args, {
      cwd: this.#directory,
      env: { PATH: process.env["PATH"], ...this.#env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // a process group of its own, so that what it starts ends with it
    });
    const exit = this.#exitOf(child, this.#output.log(id));
    this.#installers.set(id, { child, exit });
    return exit;
  }

  async #exitOf(child: ChildProcess, log: OutputLog): Promise<Exit> {
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => log.write(chunk));
    try {
      const [code, signal] = (await once(child, "close")) as [number | null, string | null];
      log.flush();
      return { code, signal, oomKilled: false, at: Date.now() };
    } catch (error) {
      throw new TroupeError("COMMAND_NOT_FOUND", `Cannot run "${child.spawnfile}"`, { cause: error });
    }
  }

  /** Asks the thread (by the message `"stop"`) and the installers to end; after `graceMs` it ends them. */
  async stop(graceMs: number): Promise<void> {
    this.#worker?.postMessage("stop");
    this.#killInstallers("SIGTERM");
    const timer = setTimeout(() => {
      this.#isKilled = true;
      void this.#worker?.terminate(); // told by the worker's exit
      this.#killInstallers("SIGKILL");
    }, graceMs);
    await Promise.allSettled([...this.#installers.values()].map(({ exit }) => exit));
    if (this.isRunning && this.#worker === null)
      this.#hasEnded({ code: 0, signal: null, oomKilled: false, at: Date.now() });
    if (this.started !== null) await this.ended;
    clearTimeout(timer);
  }

  #killInstallers(signal: "SIGTERM" | "SIGKILL"): void {
    for (const { child } of this.#installers.values()) {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, signal);
    }
  }
}

async function drain(stream: Readable, log: OutputLog): Promise<void> {
  stream.on("data", (chunk: Buffer) => log.write(chunk));
  await finished(stream);
}
