import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ThreadInfrastructure } from "../../examples/custom-infrastructure/thread-infrastructure.ts";
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

infrastructureContract(
  "examples/custom-infrastructure",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "troupe-threads-"));
    return {
      infrastructure: new ThreadInfrastructure(directory),
      close: () => rm(directory, { recursive: true, force: true }),
    };
  },
  { programs },
);
