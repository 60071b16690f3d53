import { mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { memoryGroupPath } from "../../../src/infrastructure/process/memory-group.ts";
import { textOf, World } from "./world.ts";

describe("fetchImage()", () => {
  test.each([
    ["a program that is not in PATH", { command: ["no-such-program"] }, "command"],
    ["a file that is no program", { command: ["/dev/null"] }, "command"],
    ["an empty PATH", { command: ["sleep", "1"], env: { PATH: "/nonexistent" } }, "command"],
    ["a directory that is not there", { command: ["sleep", "1"], workingDir: "/nonexistent" }, "workingDir"],
    ["a file for a directory", { command: ["sleep", "1"], workingDir: "/etc/hostname" }, "workingDir"],
  ])("refuses %s", async (_, sketch, field) => {
    const world = await World.create();
    const instance = world.instance({ "web/1": sketch });

    await expect(world.create(instance, "web/1")).rejects.toMatchObject({
      code: "COMMAND_NOT_FOUND",
      problems: [{ path: `environment.recipe.content.machines.web/1.${field}` }],
    });
  });

  test("finds a program in the machine's own PATH, relative to its directory, and by a variable", async () => {
    const world = await World.create();
    const bin = join(world.dataDir, "bin");
    await mkdir(bin);
    await writeFile(join(bin, "tool"), "#!/bin/sh\necho found\n", { mode: 0o755 });

    for (const sketch of [
      { command: ["tool"], env: { PATH: `/usr/bin:/bin:${bin}` } },
      { command: ["./tool"], workingDir: bin },
      { command: ["$BIN/tool"], env: { BIN: bin } },
    ]) {
      const instance = world.instance({ main: sketch });
      await world.start(instance);
      expect(await world.textUntil(instance, "found")).toEqual(["found"]);
    }
  });
});

describe("a machine", () => {
  test("has a directory of its own, its volumes below it, and what was put there", async () => {
    const world = await World.create();
    const instance = world.instance({
      main: {
        command: ["./run", "data", "deep/er"],
        volumes: { data: { path: "deep/er" } },
      },
    });
    await world.create(instance);
    const run = { path: "run", content: '#!/bin/sh\necho kept >"$1/file"; cat "$2/file"; pwd\n', mode: 0o755 };
    await world.infrastructure.put(instance, "main", [run], world.signal);

    const { attributes } = await world.infrastructure.startMachine(instance, "main", world.signal);

    expect(await world.textUntil(instance, attributes["directory"] ?? "")).toEqual(["kept", attributes["directory"]]);
    expect(await readFile(join(world.layout.volume(instance.workspaceId, "data"), "file"), "utf8")).toBe("kept\n");
  });

  test.each(["/etc/passwd", "../out", "a/../../out", "", "."])("takes no file at %j", async (path) => {
    const world = await World.create();
    const instance = world.instance({ main: { command: ["sleep", "1"] } });
    await world.create(instance);

    await expect(
      world.infrastructure.put(instance, "main", [{ path, content: "" }], world.signal),
    ).rejects.toMatchObject({ code: "REQUEST_INVALID" });
  });

  test("keeps its secrets out of every command line, and its files from everybody else", async () => {
    const world = await World.create();
    const instance = world.instance({ main: { command: ["sleep", "100"], env: { PASSWORD: "hunter2" } } });
    await world.start(instance);

    const commandLines = (await world.processes(instance)).map(
      ({ identity }) => readFile(`/proc/${identity.pid}/cmdline`, "utf8").catch(() => ""), // ended meanwhile
    );
    expect((await Promise.all(commandLines)).join()).toContain("sleep");
    expect((await Promise.all(commandLines)).join()).not.toContain("hunter2");
    const { directory, machine } = world.layout.instance(instance);
    const place = machine("main");
    const modes = [directory, place.directory, place.main.output, place.started].map(async (path) => {
      const { mode } = await stat(path);
      return mode & 0o077;
    });
    expect(await Promise.all(modes)).toEqual([0, 0, 0, 0]);
    expect(await readFile(place.started, "utf8")).not.toContain("hunter2");
  });

  test("does not hand its processes the signals that it ignores itself", async () => {
    const world = await World.create();
    const instance = await world.run("grep SigIgn /proc/self/status; echo done");

    expect(await world.textUntil(instance, "done")).toEqual(["SigIgn:\t0000000000000000", "done"]);
  });

  test("finds the servers of machines that were started before it", async () => {
    const world = await World.create();
    const instance = world.instance({
      db: { command: ["sleep", "100"], servers: { sql: { protocol: "tcp" } } },
      main: { command: ["/bin/sh", "-c", "echo $TROUPE_URL_DB_SQL"] },
    });
    const { addresses } = await world.start(instance, "db");
    await world.start(instance);

    expect(await world.textUntil(instance, addresses["sql"]?.url ?? "")).toHaveLength(1);
  });

  test("is ended when it is over its memory limit, and the exit says so; or a warning says that nobody limits it", async () => {
    const world = await World.create();
    const hog = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo survived; exit 3";
    const instance = world.instance({
      main: { command: ["/bin/sh", "-c", hog], memoryLimitBytes: 32 * 1024 * 1024 },
    });

    const { warnings } = await world.start(instance);
    const exit = await world.exit(instance);

    if ((await memoryGroupPath("troupe-test")) === null) {
      expect(warnings).toMatchObject([{ code: 5001 }]);
      expect(exit).toMatchObject({ code: 3, oomKilled: false });
    } else {
      expect(warnings).toEqual([]);
      expect(exit).toMatchObject({ oomKilled: true });
      expect(textOf(await world.output(instance))).not.toContain("survived");
    }
  });
});

describe("destroy()", () => {
  test("during a start leaves no process and no file", async () => {
    const world = await World.create();
    for (let round = 0; round < 10; round += 1) {
      const instance = world.instance({ main: { command: ["sleep", "100"], servers: { http: {} } } });
      await world.create(instance);
      const start = world.infrastructure.startMachine(instance, "main", world.signal).catch((error) => error);
      for (let turn = 0; turn < round * 3; turn += 1) await new Promise(setImmediate);

      expect(await world.infrastructure.destroy(instance, world.signal)).toEqual([]);
      await start;

      await world.expectNothingOf(instance);
    }
  });

  test("removes directories that may not be written", async () => {
    const world = await World.create();
    const instance = await world.run("mkdir -p cache/deep && touch cache/deep/file && chmod -R a-w cache; echo done");
    await world.textUntil(instance, "done");

    expect(await world.infrastructure.destroy(instance, world.signal)).toEqual([]);

    await world.expectNothingOf(instance);
  });

  test("forgets an instance only when everything of it is gone", async () => {
    const world = await World.create();
    const instance = await world.run("sleep 100");
    const { workspaceId, instanceId } = instance;
    expect(await world.infrastructure.identities(world.signal)).toEqual([{ workspaceId, instanceId }]);

    // A memory group that is not empty cannot be removed, and neither can this directory.
    const group = join(world.dataDir, "group");
    await mkdir(join(group, "busy"), { recursive: true });
    await symlink(group, world.layout.instance(instance).machine("main").memoryGroup);
    const leaks = await world.infrastructure.destroy(instance, world.signal);
    expect(leaks).toMatchObject([{ kind: "memory group", id: group }]);
    expect((await world.infrastructure.observe(instance, world.signal)).exists).toBe(true);
    expect(await world.processes(instance)).toEqual([]);

    await rm(group, { recursive: true });
    expect(await world.infrastructure.destroy(instance, world.signal)).toEqual([]);
    await world.expectNothingOf(instance);
  });
});
