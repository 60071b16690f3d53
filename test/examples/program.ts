import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

export const root = new URL("../..", import.meta.url).pathname;
/** The `troupe` command, as it is installed. */
export const troupe = `${root}dist/src/cli/main.js`;

const TIME_LIMIT_MS = 50_000;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Begins `node` with `args`. Its temporary files go to `tmpDir`. It is ended after 50 s at the latest. */
export function begin(args: readonly string[], tmpDir: string): ChildProcess {
  return spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env["PATH"], HOME: tmpDir, TMPDIR: tmpDir, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: TIME_LIMIT_MS,
    killSignal: "SIGKILL",
  });
}

export async function outcomeOf(program: ChildProcess): Promise<Outcome> {
  const { stdout, stderr } = program;
  if (stdout === null || stderr === null) throw new Error("Cannot read the program's output: it is not piped");
  const [[code], out, err] = await Promise.all([once(program, "close"), text(stdout), text(stderr)]);
  return { code: code as number | null, stdout: out, stderr: err };
}

export async function run(args: readonly string[], tmpDir: string): Promise<Outcome> {
  return outcomeOf(begin(args, tmpDir));
}
