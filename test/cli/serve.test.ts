import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { logLine } from "../../src/cli/server-logger.ts";
import { plainText } from "../../src/cli/terminal.ts";
import { jsonLines, runCommand } from "./run-command.ts";

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "troupe-serve-"));
});
afterEach(() => rm(dataDir, { recursive: true }));

/** A server without real machines. */
async function serve(flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const place = ["--port", "0", "--output-port", "0", "--data-dir", dataDir, "--infrastructure", "simulated"];
  const running = runCommand(["serve", ...place, ...flags], { env });
  await vi.waitFor(() => expect(running.written()).toContain("Listening on"), { timeout: 20_000 });
  const url = /Listening on (\S+)/.exec(running.written())?.[1] ?? "";
  return { ...running, url };
}

describe("serve", () => {
  test("keeps the token that it made, and shows it to nobody", async () => {
    const first = await serve();
    first.interrupt("SIGTERM");
    const { code, stdout, stderr } = await first.finished;
    const token = readFileSync(join(dataDir, "token"), "utf8").trim();

    const second = await serve();
    const listed = await runCommand(["list", "--json", "--url", second.url, "--token", token]).finished;
    second.interrupt("SIGTERM");
    await second.finished;

    expect(code).toBe(0);
    expect(stdout).toContain(`The token is in ${join(dataDir, "token")}\n`);
    expect(stdout + stderr).not.toContain(token);
    expect(jsonLines(listed.stdout)).toEqual([{ workspaces: [] }]);
  });

  test("wants the token that it was given", async () => {
    const server = await serve([], { TROUPE_TOKEN: "given" });

    const codes = await Promise.all(
      ["given", "other"].map(
        async (token) => (await runCommand(["list", "--url", server.url, "--token", token]).finished).code,
      ),
    );
    server.interrupt("SIGTERM");
    await server.finished;

    expect(codes).toEqual([0, 8]);
  });

  test("--no-token lets in who is on this computer", async () => {
    const server = await serve(["--no-token"], { TROUPE_TOKEN: "not used" });

    const { code } = await runCommand(["list", "--url", server.url]).finished;
    server.interrupt("SIGTERM");
    await server.finished;

    expect(code).toBe(0);
  });

  test("an error that nobody caught is logged as fatal, and ends it with 1", async () => {
    const server = await serve();

    server.fail(new Error("boom"));
    const { code, stderr } = await server.finished;

    expect(code).toBe(1);
    expect(jsonLines(stderr)).toContainEqual(
      expect.objectContaining({ level: 60, err: expect.objectContaining({ message: "boom" }) }),
    );
  });

  test("a second signal ends it at once", async () => {
    const server = await serve();

    server.interrupt("SIGINT");
    server.interrupt("SIGINT");

    expect((await server.finished).code).toBe(130);
  });
});

test("a line of the log is written for people without what could act on their terminal", () => {
  const line = logLine(
    JSON.stringify({ level: 40, time: 0, msg: "probe missed", machine: "web", text: "a\u001b[2J b" }),
  );

  expect(line.map(plainText).join("")).toMatch(
    /^\d\d:\d\d:\d\d warn {2}probe missed {2}machine=web text="a\\u001b\[2J b"$/,
  );
});
