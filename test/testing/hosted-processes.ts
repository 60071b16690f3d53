/** The process infrastructure in a process of its own, so that it can be killed while it works. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ErrorCode, TroupeError } from "../../src/errors.ts";
import { layout } from "../../src/infrastructure/process/layout.ts";
import { ProcessTable } from "../../src/infrastructure/process/process-table.ts";
import type { Infrastructure, InstanceRef } from "../../src/infrastructure/spi.ts";
import type { Opened } from "../../src/testing/index.ts";

type Operation = Exclude<keyof Infrastructure, "name" | "recipeTypes" | "probe">;

export type HostRequest =
  | { type: "call"; id: number; operation: Operation; args: readonly unknown[]; isAborted: boolean }
  | { type: "open"; id: number; dataDir: string }
  | { type: "abort"; id: number };

export type HostAnswer =
  | { type: "item" | "done"; id: number; value: unknown }
  | { type: "failed"; id: number; wasAborted: boolean; name: string; message: string; code: string | undefined };

/** Opens data directories, in a host that is used until it is killed. */
export class HostedProcesses {
  #host = new Host();

  /** A data directory of its own, of which nothing is left when it is closed. */
  async open(): Promise<Opened> {
    const dataDir = await mkdtemp(join(tmpdir(), "troupe-conformance-"));
    return {
      infrastructure: await this.#host.open(dataDir),
      reopen: () => this.#host.open(dataDir),
      kill: async () => {
        await this.#host.kill();
        this.#host = new Host();
        return this.#host.open(dataDir);
      },
      leftovers: (ref) => leftovers(dataDir, ref),
      close: () => rm(dataDir, { recursive: true }),
    };
  }

  async close(): Promise<void> {
    await this.#host.kill();
  }
}

async function leftovers(dataDir: string, { instanceId }: InstanceRef): Promise<readonly string[]> {
  const { instances, ports } = layout(dataDir);
  const processes = (await new ProcessTable().look()).filter((process) => process.instanceId === instanceId);
  const files = await Promise.all([instances, ports].map((directory) => readdir(directory).catch(() => [])));
  return [...processes.map(({ identity }) => `process ${identity.pid}`), ...files.flat()];
}

class Host {
  readonly #child = fork(new URL("process-host.fixture.ts", import.meta.url).pathname, {
    execArgv: ["--import", "tsx"],
    serialization: "advanced",
  });
  /** Who waits for an answer; if the host is killed, for ever. */
  readonly #waiting = new Map<number, (answer: HostAnswer) => void>();
  #requests = 0;

  constructor() {
    this.#child.on("message", (answer: HostAnswer) => this.#waiting.get(answer.id)?.(answer));
  }

  async open(dataDir: string): Promise<Infrastructure> {
    this.#requests += 1;
    const id = this.#requests;
    await new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send({ type: "open", id, dataDir });
    });
    this.#waiting.delete(id);
    return new Proxy({} as Infrastructure, { get: (_, key) => this.#member(String(key)) });
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const hasEnded = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await hasEnded;
  }

  #member(key: string): unknown {
    if (key === "name") return "process";
    if (key === "recipeTypes") return ["process"];
    if (key === "then") return undefined; // It is no promise.
    const operation = key as Operation;
    if (operation === "output" || operation === "watch") {
      return (...args: readonly unknown[]) => this.#stream(operation, args);
    }
    return async (...args: readonly unknown[]) => {
      const { value } = await this.#stream(operation, args).next();
      return value;
    };
  }

  async *#stream(operation: Operation, args: readonly unknown[]): AsyncGenerator<unknown, unknown> {
    this.#requests += 1;
    const id = this.#requests;
    const signal = args.find((arg) => arg instanceof AbortSignal);
    const answers: HostAnswer[] = [];
    let wake = () => {};
    this.#waiting.set(id, (answer) => {
      answers.push(answer);
      wake();
    });
    const abort = () => this.#send({ type: "abort", id });
    signal?.addEventListener("abort", abort);
    this.#send({ type: "call", id, operation, args: args.map(asMessage), isAborted: signal?.aborted ?? false });
    try {
      for (;;) {
        const answer = answers.shift();
        if (answer === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        } else if (answer.type === "item") yield answer.value;
        else if (answer.type === "done") return answer.value;
        else if (answer.type === "failed") throw errorOf(answer, signal);
      }
    } finally {
      abort();
      this.#waiting.delete(id);
      signal?.removeEventListener("abort", abort);
    }
  }

  #send(request: HostRequest): void {
    if (this.#child.connected) this.#child.send(request);
  }
}

function asMessage(arg: unknown): unknown {
  if (arg instanceof AbortSignal) return "(signal)";
  return typeof arg === "function" ? "(progress)" : arg;
}

function errorOf({ wasAborted, name, message, code }: Extract<HostAnswer, { type: "failed" }>, signal?: AbortSignal) {
  if (wasAborted) return signal?.reason;
  return name === "TroupeError" ? new TroupeError(code as ErrorCode, message) : new Error(message);
}
