import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Incident } from "../../src/model/incident.ts";
import { fakeServer } from "../client/fake-server.ts";
import { incidentOf, storyOf } from "../testing/replay/stories.ts";
import { jsonLines, runCommand } from "./run-command.ts";

const incident = await incidentOf(storyOf("a machine crashes too often"));

let directory: string;
let file: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "troupe-replay-"));
  file = join(directory, "incident.json");
  await writeFile(file, JSON.stringify(incident));
});
afterEach(() => rm(directory, { recursive: true }));

const replay = (...args: string[]) => runCommand(["replay", file, ...args]).finished;
const rewrite = (change: Partial<Incident>) => writeFile(file, JSON.stringify({ ...incident, ...change }));

/** A record in which a machine skips a state. */
function skipping(): Incident["events"] {
  return incident.events.filter(({ to }) => to !== "starting.creating");
}

describe("export", () => {
  test("writes what the server answers into a file for this user alone", async () => {
    const server = await fakeServer();
    const written = join(directory, "written.json");
    server.on("GET /v1/workspaces/shop/export", { body: { ...incident, notes: ["Something is left out."] } });
    const args = ["export", "shop", "--instance", "i1", "-o", written, "--url", server.url];

    const { code, stdout } = await runCommand(args).finished;
    await server.close();

    expect(code).toBe(0);
    expect(server.requests[0]).toMatchObject({ path: "/v1/workspaces/shop/export", query: { instanceId: "i1" } });
    expect(JSON.parse(await readFile(written, "utf8"))).toMatchObject({ events: incident.events });
    expect((await stat(written)).mode & 0o777).toBe(0o600);
    expect(stdout).toContain(`Wrote ${incident.events.length} events of 1 instance`);
    expect(stdout).toContain("Something is left out.");
  });
});

describe("replay", () => {
  test("lists all events with their numbers, a failure once, and the tree at the end", async () => {
    const { code, stdout } = await replay();

    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {4}1 {2}\S+ {2}workspace {2}created {2}\(workspace\.created\)$/m);
    expect(stdout).toContain(`${incident.events.length}  `);
    expect(stdout.match(/^ {9}MACHINE_EXITED/gm)).toHaveLength(2); // once for each crash
    expect(stdout).toContain("○ shop STOPPED");
  });

  test("--json writes each step with the workspace as it was then", async () => {
    const { code, stdout } = await replay("--json");
    const steps = jsonLines(stdout) as { number: number; view: { status: string }; objection: unknown }[];

    expect(code).toBe(0);
    expect(steps.map(({ number }) => number)).toEqual(incident.events.map((_, index) => index + 1));
    expect(new Set(steps.map(({ view }) => view.status))).toEqual(
      new Set(["STOPPED", "STARTING", "RUNNING", "STOPPING"]),
    );
    expect(steps.every(({ objection }) => objection === null)).toBe(true);
  });

  test("exits with 1 if the charts do not allow an event, and tells the first", async () => {
    await rewrite({ events: skipping() });

    const { code, stdout, stderr } = await replay();

    expect(code).toBe(1);
    expect(stdout).toContain('✗ It begins in "starting.creating", but the actor was in "starting.image"');
    expect(stderr).toMatch(/^Event \d+ is not allowed by the charts: It begins in/);
  });

  test("at a terminal goes back and forth as keys are pressed", async () => {
    const { finished, type, written } = runCommand(["replay", file], { isTerminal: true, env: { NO_COLOR: "1" } });
    const screen = (text: string) => vi.waitFor(() => expect(written().split("\u001b[J").at(-1)).toContain(text));

    await screen(`1 of ${incident.events.length}`);
    type("n");
    await screen(`2 of ${incident.events.length}`);
    type("/watch.exited\r");
    await screen("MACHINE_EXITED");
    type("g1\r");
    await screen("(workspace.created)");
    type("q");

    expect((await finished).code).toBe(0);
  });

  test("--what-if tells what would have followed", async () => {
    const number = incident.events.findIndex(({ to }) => to === "running.steady") + 1;

    const { code, stdout } = await replay("--what-if", `stop@${number}`);

    expect(code).toBe(0);
    expect(stdout).toContain(`The first ${number} events were rebuilt as they are recorded.`);
    expect(stdout).toContain("running.steady → stopping.halting  (workspace.stop)");
    expect(stdout).toContain("○ shop STOPPED  It was asked to stop");
  });

  test("--what-if --json writes one document, with what could not be rebuilt", async () => {
    await rewrite({ events: skipping() });

    const { stdout } = await replay("--what-if", `stop@${skipping().length}`, "--json");

    expect(jsonLines(stdout)).toMatchObject([
      {
        change: { do: "stop" },
        differences: expect.arrayContaining([expect.objectContaining({ message: "it does not happen here" })]),
      },
    ]);
  });

  test("runs a script step by step", async () => {
    await writeFile(file, JSON.stringify(script));

    const { code, stdout } = await replay();

    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {4}1 {2}start of=0$/m);
    expect(stdout).toContain("workspace  starting.queued  (workspace.start)");
    expect(stdout).toContain("the ending");
  });

  test.each([
    ["a file that is not there", async () => rm(file), 3],
    ["a file that is no JSON", async () => writeFile(file, "{"), 4],
    ["a file of another kind", async () => writeFile(file, '{"format":"diary"}'), 4],
    ["an incident with holes", async () => writeFile(file, '{"format":"troupe-incident","version":1}'), 4],
  ])("refuses %s", async (_, spoil, code) => {
    await spoil();

    expect((await replay()).code).toBe(code);
    await writeFile(file, ""); // for the end of the test
  });

  test.each([
    ["nonsense", "dance@3", 2],
    ["an event that there is not", "stop@9999", 4],
  ])("refuses %s in --what-if", async (_, change, code) => {
    expect((await replay("--what-if", change)).code).toBe(code);
  });

  test("a script cannot be forked", async () => {
    await writeFile(file, JSON.stringify(script));

    expect((await replay("--what-if", "stop@1")).code).toBe(4);
  });
});

const script = {
  format: "troupe-script",
  version: 1,
  seed: 7,
  config: {
    subject: "supervisor",
    workspaces: [
      {
        name: "w",
        environment: { recipe: { type: "process", content: { machines: { web: { command: ["idle"] } } } } },
      },
    ],
    concurrentStarts: 2,
    longestOperationMs: 0,
    ending: "stopped",
  },
  steps: [
    { do: "start", of: 0 },
    { do: "wait", ms: 1_000 },
  ],
};
