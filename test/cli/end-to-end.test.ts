import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { jsonLines } from "./run-command.ts";

const root = new URL("../..", import.meta.url).pathname;

let directory: string;
let dataDir: string;
let readyFile: string;
let workspaceFile: string;
let children: ChildProcess[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "troupe-end-to-end-"));
  dataDir = join(directory, "data");
  readyFile = join(directory, "ready.json");
  workspaceFile = join(directory, "workspace.yaml");
  children = [];
  await writeFile(
    workspaceFile,
    `name: counter
environment:
  recipe:
    type: process
    content:
      machines:
        ticker: { command: "i=0; while :; do echo $i; i=$((i+1)); sleep 0.02; done" }
        web: { command: ["${process.execPath}", "-e", "require('http').createServer((_, r) => r.end()).listen(process.env.PORT, '127.0.0.1')"] }
  machines:
    web: { servers: { http: { port: auto, protocol: http, path: / } } }
`,
  );
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.filter(isRunning).map((child) => once(child, "exit")));
  // What a failed test left running is adopted and ended.
  if (instances().length > 0) await stopServer(await startServer(["--on-exit", "terminate"]));
  await rm(directory, { recursive: true, force: true });
}, 60_000);

const instances = () => (existsSync(join(dataDir, "instances")) ? readdirSync(join(dataDir, "instances")) : []);
const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

interface Ready {
  readonly url: string;
  readonly outputUrl: string;
  readonly pid: number;
  readonly token: string;
}

interface Server {
  readonly child: ChildProcess;
  readonly ready: Ready;
}

/** Runs `troupe` as a process of its own. */
function troupe(args: readonly string[], ready?: Ready) {
  const env = { ...process.env, ...(ready === undefined ? {} : { TROUPE_URL: ready.url, TROUPE_TOKEN: ready.token }) };
  const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...args], { cwd: root, env });
  children.push(child);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const finished = once(child, "close").then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, finished, stdout: () => stdout };
}

async function startServer(flags: readonly string[]): Promise<Server> {
  const ports = flags.includes("--port") ? [] : ["--port", "0", "--output-port", "0"];
  const { child, finished } = troupe(["serve", ...ports, "--data-dir", dataDir, "--ready-file", readyFile, ...flags]);
  const gone = finished.then(({ stderr }) => {
    throw new Error(`The server ended before it was ready: ${stderr}`);
  });
  gone.catch(() => {}); // it ends some time in any case
  const ready = vi.waitUntil(() => existsSync(readyFile), { timeout: 20_000, interval: 20 });
  await Promise.race([ready, gone]);
  return { child, ready: JSON.parse(readFileSync(readyFile, "utf8")) as Ready };
}

async function stopServer({ child }: Server): Promise<number | null> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  return (await exited)[0] as number | null;
}

describe("troupe, as processes of its own", () => {
  test("serve tells where it is, to this user alone, and leaves nothing of that behind", async () => {
    const server = await startServer([]);

    expect(server.ready).toMatchObject({
      pid: server.child.pid,
      token: readFileSync(join(dataDir, "token"), "utf8").trim(),
    });
    expect(statSync(readyFile).mode & 0o777).toBe(0o600);
    expect(statSync(join(dataDir, "token")).mode & 0o777).toBe(0o600);

    const second = await troupe(["serve", "--port", "0", "--output-port", "0", "--data-dir", dataDir]).finished;
    expect(second.code).toBe(9);
    expect(second.stderr).toMatch(new RegExp(`^error: Cannot open [^\\n]+${server.child.pid}[^\\n]+\\n$`));

    const stranger = await troupe(["list"], { ...server.ready, token: "wrong" }).finished;
    expect(stranger.code).toBe(8);

    expect(await stopServer(server)).toBe(0);
    expect(existsSync(readyFile)).toBe(false);
  });

  test("logs -f and machines outlive a server that is killed, and no line is lost or repeated", async () => {
    const first = await startServer([]);
    const { ready } = first;
    const up = await troupe(["up", workspaceFile, "--detach", "--json"], ready).finished;
    expect(jsonLines(up.stdout)).toMatchObject([
      {
        name: "counter",
        status: "RUNNING",
        machines: { web: { status: "RUNNING", servers: { http: { status: "RUNNING" } } } },
      },
    ]);

    const follower = troupe(["logs", "counter", "--machine", "ticker", "-f"], ready);
    await vi.waitFor(() => expect(follower.stdout()).toContain("\n50\n"), { timeout: 20_000 });
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    await rm(readyFile);
    const ports = ["--port", new URL(ready.url).port, "--output-port", new URL(ready.outputUrl).port];
    const second = await startServer(ports);
    const linesBefore = follower.stdout().split("\n").length;
    await vi.waitFor(() => expect(follower.stdout().split("\n").length).toBeGreaterThan(linesBefore + 100), {
      timeout: 20_000,
    });
    follower.child.kill("SIGINT");

    const { code, stdout } = await follower.finished;
    const numbers = stdout.trim().split("\n").map(Number);
    expect(code).toBe(130);
    expect(numbers).toEqual(numbers.map((_, index) => index));

    expect((await troupe(["delete", "counter"], ready).finished).code).toBe(0);
    expect(instances()).toEqual([]);
    expect(await stopServer(second)).toBe(0);
  });

  test("up --serve --once starts, stops and leaves nothing running", async () => {
    const ports = ["--port", "0", "--output-port", "0"];

    const { code, stdout } = await troupe(["up", workspaceFile, "--serve", "--once", ...ports, "--data-dir", dataDir])
      .finished;

    expect(code).toBe(0);
    expect(stdout).toMatch(/→ running/);
    expect(instances()).toEqual([]);
  });

  test("Ctrl-C of up --serve stops the workspace and exits with 130", async () => {
    const ports = ["--port", "0", "--output-port", "0"];
    const up = troupe(["up", workspaceFile, "--serve", ...ports, "--data-dir", dataDir]);
    await vi.waitFor(() => expect(up.stdout()).toMatch(/workspace {2}\S+ → running/), { timeout: 20_000 });

    up.child.kill("SIGINT");

    expect((await up.finished).code).toBe(130);
    expect(instances()).toEqual([]);
  });
});
