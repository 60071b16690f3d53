#!/usr/bin/env node
/** The `troupe` command. */
import { exitCodes } from "./exit-codes.ts";
import type { Host, Interruption } from "./host.ts";
import { run } from "./program.ts";

const interruptHandlers: ((signal: Interruption) => void)[] = [];
const fatalHandlers: ((error: unknown) => void)[] = [];

const host: Host = {
  env: process.env,
  // Made when it is first asked for: few commands read it.
  get stdin() {
    return process.stdin;
  },
  stdout: process.stdout,
  stderr: process.stderr,
  onInterrupt: (handler) => push(interruptHandlers, handler),
  onFatal: (handler) => push(fatalHandlers, handler),
  onExit(listener) {
    process.on("exit", listener);
    return () => process.off("exit", listener);
  },
  exit: (code) => process.exit(code),
};

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // Without a terminal, a hang-up is no wish to end: `nohup` and init systems detach so.
    if (signal === "SIGHUP" && !process.stdin.isTTY && !process.stdout.isTTY) return;
    const handler = interruptHandlers.at(-1);
    if (handler === undefined) process.exit(signal === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated);
    handler(signal);
  });
}

process.on("uncaughtException", async (error) => {
  const handler = fatalHandlers.at(-1);
  if (handler !== undefined) return handler(error);
  const { tellError } = await import("./tell-error.ts");
  process.exit(tellError(host, error));
});

// `troupe logs … | head`: the reader has what it wanted. A command that has something to end goes on to do so.
process.stdout.on("error", () => {
  if (interruptHandlers.length === 0) process.exit(exitCodes.ok);
});
process.stderr.on("error", () => {}); // nobody is left to tell

const code = await run(process.argv.slice(2), host);
// Idle connections may be open still, and must not keep a finished command.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));

/** @returns what takes `item` away again. */
function push<Item>(list: Item[], item: Item): () => void {
  list.push(item);
  return () => {
    list.splice(list.lastIndexOf(item), 1);
  };
}
