/** `troupe`, as it is installed, or another program of Node, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { type Outcome, root } from "../examples/program.ts";

export class RunningCommand {
  /** When it has ended, and nobody holds its output any more. */
  readonly outcome: Promise<Outcome>;
  readonly #child: ChildProcess;
  readonly #written = { stdout: "", stderr: "" };

  constructor(args: readonly string[], env: Readonly<Record<string, string | undefined>>) {
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#collect("stdout", child.stdout);
    this.#collect("stderr", child.stderr);
    this.outcome = once(child, "close").then(([code]) => ({ code: code as number | null, ...this.#written }));
  }

  /** What it has written up to now. */
  get stdout(): string {
    return this.#written.stdout;
  }

  get stderr(): string {
    return this.#written.stderr;
  }

  /** Resolves when it has ended. Nothing happens to a command that has. */
  end(signal: NodeJS.Signals): Promise<Outcome> {
    this.#child.kill(signal);
    return this.outcome;
  }

  #collect(stream: "stdout" | "stderr", from: Readable): void {
    from.setEncoding("utf8").on("data", (text: string) => {
      this.#written[stream] += text;
    });
  }
}
