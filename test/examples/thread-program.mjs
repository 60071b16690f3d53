#!/usr/bin/env node
/** The conformance kit's programs, as a module that runs in a thread or as a process: thread-program.mjs NAME ARGUMENT… */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort } from "node:worker_threads";

const programs = {
  async count(to, everyMs) {
    for (let number = 1; number <= to; number++) {
      process.stdout.write(`${number}\n`);
      if (everyMs > 0) await sleep(everyMs);
    }
    await programs.idle();
  },
  async exit(code, afterMs) {
    process.stdout.write("begun\n");
    await sleep(afterMs);
    process.exitCode = code;
    parentPort?.close();
  },
  idle: () => sleep(86_400_000),
  async stubborn() {
    parentPort?.removeAllListeners("message").ref();
    process.on("SIGTERM", () => {});
    process.stdout.write("ready\n");
    await programs.idle();
  },
};

parentPort?.once("message", () => process.exit(0));
const [name, ...args] = process.argv.slice(2);
await programs[name](...args.map(Number));
