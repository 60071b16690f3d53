import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import { node, workspace } from "../scenarios/office.ts";
import { scenario } from "../scenarios/scenario.ts";
import { NOTHING, type Site } from "../scenarios/site.ts";
import { jsonLines } from "./run-command.ts";

const web = "require('http').createServer((_, response) => response.end()).listen(process.env.PORT, '127.0.0.1')";

/** A machine that counts, and one that serves. */
function workspaceFile(site: Site): Promise<string> {
  const commands = { ticker: node("counter.mjs"), web: [process.execPath, "-e", web] };
  const http = { port: "auto", protocol: "http", path: "/" };
  return site.file("counter.json", JSON.stringify(workspace("counter", commands, { web: { servers: { http } } })));
}

/** A busy computer takes its time. */
const eventually = (assertion: () => void) => vi.waitFor(assertion, { timeout: 20_000, interval: 20 });

describe("troupe, as processes of its own", () => {
  scenario("serve tells where it is, to this user alone, and leaves nothing of that behind", async ({ site }) => {
    const server = await site.boot();
    const readyFile = join(site.directory, "ready.json");
    const tokenFile = join(site.dataDir, "token");

    expect(server.ready.token).toBe(readFileSync(tokenFile, "utf8").trim());
    expect(statSync(readyFile).mode & 0o777).toBe(0o600);
    expect(statSync(tokenFile).mode & 0o777).toBe(0o600);
    expect((await site.run(["list"], { ...server.env, TROUPE_TOKEN: "wrong" })).code).toBe(8);
    expect(await server.terminate()).toBe(0);
    expect(existsSync(readyFile)).toBe(false);
  });

  scenario("logs -f outlives a server that is killed, and no line is lost or repeated", async ({ site }) => {
    const first = await site.boot();
    const up = await site.run(["up", await workspaceFile(site), "--detach", "--json"], first.env);
    expect(jsonLines(up.stdout)).toMatchObject([
      {
        name: "counter",
        status: "RUNNING",
        machines: { web: { status: "RUNNING", servers: { http: { status: "RUNNING" } } } },
      },
    ]);

    const follower = site.begin(["logs", "counter", "--machine", "ticker", "-f"], first.env);
    await eventually(() => expect(follower.stdout).toContain("\n50\n"));
    await first.kill();
    const second = await site.boot([], first);
    const linesBefore = follower.stdout.split("\n").length;
    await eventually(() => expect(follower.stdout.split("\n").length).toBeGreaterThan(linesBefore + 100));

    const { code, stdout } = await follower.end("SIGINT");
    const numbers = stdout.trim().split("\n").map(Number);
    expect(code).toBe(130);
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect((await site.run(["delete", "counter"], second.env)).code).toBe(0);
    expect(site.left()).toEqual(NOTHING);
  });

  scenario("up --serve --once starts, stops and leaves nothing running", async ({ site }) => {
    const { code, stdout } = await site.run(["up", await workspaceFile(site), "--serve", "--once", ...site.place()]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/→ running/);
    expect(site.left()).toEqual(NOTHING);
  });

  scenario("Ctrl-C of up --serve stops the workspace and exits with 130", async ({ site }) => {
    const up = site.begin(["up", await workspaceFile(site), "--serve", ...site.place()]);
    await eventually(() => expect(up.stdout).toMatch(/workspace {2}\S+ → running/));

    expect((await up.end("SIGINT")).code).toBe(130);

    expect(site.left()).toEqual(NOTHING);
  });
});
