import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { outputBounds } from "../../../src/infrastructure/process/shim.ts";
import { numbers, textOf, World } from "./world.ts";

const MiB = 1024 * 1024;

async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** How many directories this process watches (inotify(7)). */
async function watchedDirectories(): Promise<number> {
  const descriptors = await readdir("/proc/self/fdinfo");
  const infos = descriptors.map((name) => readFile(`/proc/self/fdinfo/${name}`, "utf8").catch(() => ""));
  return (await Promise.all(infos)).join("").match(/^inotify wd/gm)?.length ?? 0;
}

describe("outputBounds()", () => {
  test.each([100, 1_000, MiB, 32 * MiB, 1024 * MiB])("keeps %i bytes at most, and at least a good part", (limit) => {
    const { fileBytes, files, readBytes, reads } = outputBounds(limit);

    expect((fileBytes + readBytes * reads) * files).toBeLessThanOrEqual(Math.max(limit, 2 * files));
    expect(fileBytes * (files - 1)).toBeGreaterThanOrEqual(Math.floor(limit / 3) - files);
    expect(Math.min(fileBytes, readBytes, reads)).toBeGreaterThan(0);
  });
});

describe("output()", () => {
  test("of a flood is bounded; who followed is told what was lost, and all that came after", async () => {
    const world = await World.create({ outputLimitBytes: 2 * MiB });
    const flood = "head -c 50000000 /dev/zero | tr '\\0' x | fold -w 999";
    const instance = await world.run(
      `echo first; ${flood}; echo; i=1; while [ $i -le 200 ]; do echo $i; i=$((i+1)); done; sleep 100`,
    );

    const records = await world.records(instance, ({ text }) => text === "200");

    const { output } = world.layout.instance(instance).machine("main").main;
    expect(await bytesIn(output)).toBeLessThanOrEqual(2 * MiB);
    expect(textOf(records).slice(-200)).toEqual(numbers(1, 200));
    let position = 0;
    for (const record of records) {
      if (record.type === "gap") expect(record).toMatchObject({ machine: "main", installer: null, from: position });
      position = record.type === "gap" ? record.to : (record.lines.at(-1)?.position ?? position);
    }
    expect(position).toBeGreaterThan(50_000_000);
  });

  test("from a cursor that is gone begins with a gap", async () => {
    const world = await World.create({ outputLimitBytes: MiB });
    const instance = await world.run("head -c 5000000 /dev/zero | tr '\\0' x | fold -w 99; echo; echo end");
    await world.exit(instance);

    const [gap, ...rest] = await world.output(instance, { "": 100 });

    expect(gap).toMatchObject({ type: "gap", from: 100 });
    expect(rest.every(({ type }) => type === "lines")).toBe(true);
    expect(textOf(rest).at(-1)).toBe("end");
  });

  test("is read while no supervisor is there: files turn over all the same", async () => {
    const world = await World.create({ outputLimitBytes: MiB });
    const instance = await world.run("head -c 20000000 /dev/zero | tr '\\0' x | fold -w 99; echo; echo end; sleep 100");
    const { output } = world.layout.instance(instance).machine("main").main;
    await world.infrastructure.close();

    const next = world.open();
    const records = await world.records(instance, ({ text }) => text === "end", { "": 20_000_000 }, next);

    expect(textOf(records)).toContain("end");
    expect(await bytesIn(output)).toBeLessThanOrEqual(MiB);
  });

  test("tells a line as soon as it is written", async () => {
    const world = await World.create();
    const instance = await world.run("echo one; sleep 100");

    await world.textUntil(instance, "one");

    expect(textOf(await world.output(instance))).toEqual(["one"]);
  });

  test("keeps back a line that goes on, and tells it when the command has ended", async () => {
    const world = await World.create();
    const instance = await world.run("echo ready; printf unfinished; sleep 100");
    await world.textUntil(instance, "ready");
    expect(textOf(await world.output(instance))).toEqual(["ready"]);
    await world.stop(instance, 0);

    expect(textOf(await world.output(instance))).toEqual(["ready", "unfinished"]);
  });

  test("never joins the last line of one run with the first of the next", async () => {
    const world = await World.create();
    const instance = await world.run("printf unfinished");
    await world.exit(instance);
    await world.remove(instance);
    await world.start(instance);
    await world.exit(instance);

    expect(textOf(await world.output(instance))).toEqual(["unfinished", "unfinished"]);
  });

  test("leaves nothing open when it is let go of", async () => {
    const world = await World.create();
    const instance = await world.run("echo ready; sleep 100");
    const before = await watchedDirectories();
    const abort = new AbortController();
    const followers = Array.from({ length: 5 }, async () => {
      const output = world.infrastructure.output(instance, "main", {}, { follow: true }, abort.signal);
      for await (const _ of output) {
        // Reads on until it is aborted.
      }
    });
    const watcher = world.infrastructure.watch(instance, "main", abort.signal)[Symbol.asyncIterator]().next();
    await expect.poll(watchedDirectories).toBeGreaterThan(before);

    abort.abort(new Error("enough"));
    const settled = await Promise.allSettled([...followers, watcher]);

    expect(settled.every((result) => result.status === "rejected" && result.reason === abort.signal.reason)).toBe(true);
    await expect.poll(watchedDirectories).toBe(before);
  });
});
