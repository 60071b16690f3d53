import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ThreadInfrastructure } from "../../examples/custom-infrastructure/thread-infrastructure.ts";
import { checkInfrastructure, type Opened } from "../../src/testing/index.ts";
import { infrastructureContract, shellPrograms } from "../../src/testing/infrastructure-contract.ts";

const program = new URL("thread-program.mjs", import.meta.url).pathname;

/** What installers run is a process in any case; what a machine runs is a module. */
const programs = {
  ...shellPrograms,
  count: (to: number, everyMs: number) => [program, "count", String(to), String(everyMs)],
  exit: (code: number, afterMs: number) => [program, "exit", String(code), String(afterMs)],
  idle: [program, "idle"],
  stubborn: [program, "stubborn"],
};

async function open(): Promise<Opened> {
  const directory = await mkdtemp(join(tmpdir(), "troupe-threads-"));
  return {
    infrastructure: new ThreadInfrastructure(directory),
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

infrastructureContract("examples/custom-infrastructure", open, { programs });

test("examples/custom-infrastructure keeps its contract in explored sequences of calls", async () => {
  const { violation, message } = await checkInfrastructure(open, { programs, runs: 40, seed: 1 });

  expect(violation, message).toBeNull();
});
