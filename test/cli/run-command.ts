import { PassThrough } from "node:stream";
import type { Host, Interruption } from "../../src/cli/host.ts";
import { run } from "../../src/cli/program.ts";

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly finished: Promise<Finished>;
  readonly interrupt: (signal: Interruption) => void;
  /** Presses keys, or types text, at the terminal. */
  readonly type: (keys: string) => void;
  /** An error that nobody caught. */
  readonly fail: (error: unknown) => void;
  /** What was written to stdout and stderr up to now, in order. */
  readonly written: () => string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
}

/** Runs one command line in this process, as `troupe` would in its own. */
export function runCommand(args: readonly string[], { env = {}, isTerminal = false }: RunOptions = {}): Running {
  const texts: { readonly stream: "stdout" | "stderr"; readonly text: string }[] = [];
  const handlers: ((signal: Interruption) => void)[] = [];
  const fatalHandlers: ((error: unknown) => void)[] = [];
  const streamOf = (stream: "stdout" | "stderr") => ({
    isTTY: isTerminal,
    rows: 40,
    write: (text: string) => texts.push({ stream, text }) > 0,
    once: () => undefined,
    off: () => undefined,
  });
  const textOf = (wanted: string) => texts.flatMap(({ stream, text }) => (stream === wanted ? [text] : [])).join("");

  const stdin = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: isTerminal, setRawMode: () => {} });
  let exit: (code: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    exit = resolve;
  });
  const host: Host = {
    env,
    stdin,
    stdout: streamOf("stdout"),
    stderr: streamOf("stderr"),
    onInterrupt(handler) {
      handlers.push(handler);
      return () => void handlers.splice(handlers.lastIndexOf(handler), 1);
    },
    onFatal(handler) {
      fatalHandlers.push(handler);
      return () => void fatalHandlers.splice(fatalHandlers.lastIndexOf(handler), 1);
    },
    onExit: () => () => {},
    exit,
  };

  const finished = Promise.race([run(args, host), exited]).then((code) => ({
    code,
    stdout: textOf("stdout"),
    stderr: textOf("stderr"),
  }));
  return {
    finished,
    interrupt: (signal) => handlers.at(-1)?.(signal),
    type: (keys) => void stdin.write(keys),
    fail: (error) => fatalHandlers.at(-1)?.(error),
    written: () => texts.map(({ text }) => text).join(""),
  };
}

/** The JSON documents in the lines of `text`. */
export function jsonLines(text: string): unknown[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}
