/** troupe inside a server of your own: npx tsx examples/embed/main.ts */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fastify from "fastify";
import { createSupervisor } from "troupe";
import { processInfrastructure } from "troupe/process";
import { sqliteJournal } from "troupe/sqlite";

// Where machines run, and where everything is written down.
const dataDir = await mkdtemp(join(tmpdir(), "troupe-embed-"));
const supervisor = await createSupervisor({
  infrastructures: [processInfrastructure({ dataDir })],
  journal: sqliteJournal({ file: join(dataDir, "journal.db") }),
});

// Your server: `POST /previews/NAME` runs a preview and answers with its URL.
const app = fastify();
app.post<{ Params: { name: string } }>("/previews/:name", async ({ params: { name } }) => {
  supervisor.create({
    name,
    environment: {
      recipe: { type: "process", content: { machines: { web: { command: ["node", "-e", program] } } } },
      machines: { web: { servers: { http: { port: "auto", protocol: "http" } } } },
    },
  });
  supervisor.start(name);
  const { machines } = await supervisor.wait(name, { for: "running" });
  return machines["web"]?.servers["http"]?.url;
});
const program = `require("http").createServer((_, answer) => answer.end("a preview")).listen(process.env.PORT, "127.0.0.1")`;

// Everything that happens, as it happens.
async function tell(): Promise<void> {
  for await (const record of supervisor.subscribe("all")) {
    if (record.type !== "events") continue;
    for (const { source, to, cause } of record.events) console.log(`${source.kind} is ${to} (${cause})`);
  }
}
const told = tell();

// Somebody uses it.
const address = await app.listen({ host: "127.0.0.1", port: 0 });
const url = await (await fetch(`${address}/previews/hello`, { method: "POST" })).text();
console.log(`${url} says: ${await (await fetch(url)).text()}`);

await app.close();
await supervisor.terminate(); // stops the workspaces, then ends
await told;
await rm(dataDir, { recursive: true });
