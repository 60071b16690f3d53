import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { run } from "./program.ts";

let tmpDir: string;
beforeEach(async () => {
  tmpDir = await mkdtemp(join(tmpdir(), "troupe-examples-"));
});
afterEach(() => rm(tmpDir, { recursive: true, force: true }));

/** Of what an example made: whatever runs it may keep a cache there. */
const leftBehind = async () => (await readdir(tmpDir)).filter((name) => name.startsWith("troupe-"));

test("examples/embed runs a preview, tells each transition, and leaves nothing behind", async () => {
  const { code, stdout, stderr } = await run(["--import", "tsx", "examples/embed/main.ts"], tmpDir);

  expect(stderr).toBe("");
  expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/? says: a preview$/m);
  expect(stdout).toMatch(/^workspace is running/m);
  expect(stdout.trim().split("\n").at(-1)).toMatch(/^workspace is stopped/);
  expect(code).toBe(0);
  expect(await leftBehind()).toEqual([]);
});

test("examples/custom-infrastructure runs a machine in a thread, and ends it when asked", async () => {
  const { code, stdout, stderr } = await run(["--import", "tsx", "examples/custom-infrastructure/main.ts"], tmpDir);

  expect(stderr).toBe("");
  expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/? says: Good morning from a thread$/m);
  expect(stdout).toContain("greetings is STOPPED");
  expect(code).toBe(0);
  expect(await leftBehind()).toEqual([]);
});
