/** Runs a workspace in threads of this process: npx tsx examples/custom-infrastructure/main.ts */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSupervisor } from "troupe";
import { sqliteJournal } from "troupe/sqlite";
import { ThreadInfrastructure } from "./thread-infrastructure.ts";

const directory = await mkdtemp(join(tmpdir(), "troupe-threads-"));
const supervisor = await createSupervisor({
  infrastructures: [new ThreadInfrastructure(directory)],
  journal: sqliteJournal({ file: ":memory:" }),
});

const command = ["greeter.mjs", "Good morning"];
supervisor.create({
  name: "greetings",
  environment: {
    recipe: { type: "process", content: { machines: { greeter: { command, workingDir: import.meta.dirname } } } },
    machines: { greeter: { servers: { http: { port: "auto", protocol: "http" } } } },
  },
});

supervisor.start("greetings");
const { machines } = await supervisor.wait("greetings", { for: "running" });
const url = machines["greeter"]?.servers["http"]?.url;
console.log(`${url} says: ${url && (await (await fetch(url)).text()).trim()}`);

supervisor.stop("greetings");
const { status } = await supervisor.wait("greetings", { for: "stopped" });
console.log(`greetings is ${status}`);

await supervisor.terminate();
await rm(directory, { recursive: true });
