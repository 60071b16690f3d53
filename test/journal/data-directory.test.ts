import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDataDirectory } from "../../src/journal/data-directory.ts";

const holderProgram = fileURLToPath(new URL("data-directory-holder.ts", import.meta.url));

let parent: string;
let path: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  parent = realpathSync(mkdtempSync(join(tmpdir(), "troupe-data-")));
  path = join(parent, "some", "where");
});
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill));
  rmSync(parent, { recursive: true });
});

interface Answer {
  readonly pid: number;
  readonly code?: string;
  readonly holder?: number;
}

/** Starts a process that tries to hold the directory. */
async function startHolder(): Promise<{ readonly child: ChildProcess; readonly answer: Answer }> {
  const child = spawn(process.execPath, ["--import", "tsx", holderProgram, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return { child, answer: JSON.parse(line) as Answer };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

test("makes a directory that only its owner may enter, and says where its files are", () => {
  const directory = openDataDirectory(path);

  expect(directory.path).toBe(path);
  expect(directory.file("journal.db")).toBe(join(path, "journal.db"));
  expect(statSync(path).mode & 0o777).toBe(0o700);
  directory.release();
});

test("says beside the lock who holds it, until it is released", () => {
  const before = Date.now();
  const directory = openDataDirectory(path);
  const holder = JSON.parse(readFileSync(join(path, "holder.json"), "utf8")) as Record<string, number>;

  expect(holder).toMatchObject({ pid: process.pid, host: hostname() });
  expect(holder["since"]).toBeGreaterThanOrEqual(before);
  expect(holder["startedAt"]).toBeLessThan(before);
  directory.release();
  expect(existsSync(join(path, "holder.json"))).toBe(false);
});

test("a second opener in the same process is refused, by any path, until the first one releases", () => {
  const first = openDataDirectory(path);
  const link = join(parent, "link");
  symlinkSync(path, link);

  for (const name of [path, link]) {
    expect(() => openDataDirectory(name)).toThrow(
      expect.objectContaining({
        code: "DATA_DIRECTORY_IN_USE",
        message: expect.stringMatching(
          new RegExp(`"${path}": process ${process.pid} on ".+" holds it since 20\\d\\d-`),
        ),
        details: expect.objectContaining({ pid: process.pid, since: expect.any(Number) }),
      }),
    );
  }
  first.release();
  const second = openDataDirectory(path);
  first.release();
  expect(() => openDataDirectory(path)).toThrow(expect.objectContaining({ code: "DATA_DIRECTORY_IN_USE" }));
  second.release();
});

test("another process that holds it is named, and when it is killed the directory is free at once", async () => {
  const { child, answer } = await startHolder();
  expect(answer).toEqual({ pid: child.pid });
  expect(() => openDataDirectory(path)).toThrow(
    expect.objectContaining({ code: "DATA_DIRECTORY_IN_USE", details: expect.objectContaining({ pid: child.pid }) }),
  );

  await kill(child);
  const directory = openDataDirectory(path);
  expect(JSON.parse(readFileSync(join(path, "holder.json"), "utf8"))).toMatchObject({ pid: process.pid });
  directory.release();
});

test("of several that start at once exactly one gets it, and it is the one the others name", async () => {
  const answers = (await Promise.all([1, 2, 3, 4].map(startHolder))).map(({ answer }) => answer);
  const winners = answers.filter((answer) => answer.code === undefined);

  expect(winners).toHaveLength(1);
  for (const loser of answers.filter((answer) => answer.code !== undefined)) {
    expect(loser).toMatchObject({ code: "DATA_DIRECTORY_IN_USE", holder: winners[0]?.pid });
  }
});

test("a holder that died is not blamed: whoever has the lock now is, or nobody by name", () => {
  const directory = openDataDirectory(path);
  // No process has this id: it is above what Linux gives.
  writeFileSync(join(path, "holder.json"), JSON.stringify({ pid: 2 ** 30, host: hostname(), startedAt: 1, since: 1 }));

  expect(() => openDataDirectory(path)).toThrow(
    expect.objectContaining({ message: `Cannot open data directory "${path}": another process holds it` }),
  );
  directory.release();
});

test("a path that cannot be a directory is refused, with the reason", () => {
  writeFileSync(join(parent, "some"), "");

  expect(() => openDataDirectory(path)).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining(path) }),
  );
});
