import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, symlink } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { bootId } from "../../../src/infrastructure/process/identity.ts";
import type { Instance } from "../../../src/infrastructure/spi.ts";
import { linesOf, numbers, sh, textOf, World } from "./world.ts";

const COUNTER = "i=1; while :; do echo $i; i=$((i+1)); sleep 0.002; done";

/** A supervisor in a process of its own: it says when it starts the machine `main`, prints what it is told, and stays. */
function supervisor(world: World, instance: Instance): ChildProcess {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", new URL("supervisor.fixture.ts", import.meta.url).pathname],
    {
      env: { ...process.env, FIXTURE: JSON.stringify({ dataDir: world.dataDir, instance }) },
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    },
  );
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child;
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("Its output is piped");
  const lines = createInterface(child.stdout);
  const [line] = await once(lines, "line");
  return line;
}

describe("a machine whose supervisor is gone", () => {
  test("is found by the next one: the same process, and its output without hole or repeat", async () => {
    const world = await World.create();
    const instance = world.instance({ main: { command: sh(COUNTER), servers: { http: {} } } });
    await world.create(instance);
    const first = supervisor(world, instance);
    const started = JSON.parse(await firstLine(first));
    const before = await world.records(instance, ({ text }) => text === "50");
    first.kill("SIGKILL");
    await once(first, "exit");

    const observed = (await world.infrastructure.observe(instance, world.signal)).machines["main"];
    expect(observed).toEqual({ state: "running", started, exit: null });
    expect(await world.infrastructure.startMachine(instance, "main", world.signal)).toEqual(started);
    const cursor = { "": linesOf(before).at(-1)?.position ?? 0 };
    const after = await world.records(instance, ({ text }) => Number(text) >= 150, cursor);

    const seen = [...textOf(before), ...textOf(after)];
    expect(seen).toEqual(numbers(1, seen.length));
  });

  test("runs once, at whatever moment of its start the supervisor was killed", async () => {
    const world = await World.create();
    for (const delayMs of [0, 2, 4, 8]) {
      const instance = world.instance({ main: { command: sh(`echo begun; ${COUNTER}`) } });
      await world.create(instance);
      const first = supervisor(world, instance);
      await once(first, "message");
      await pause(delayMs); // the moment is what is tested
      first.kill("SIGKILL");

      await world.infrastructure.startMachine(instance, "main", world.signal);
      await world.textUntil(instance, "20");

      expect(textOf(await world.output(instance)).filter((text) => text === "begun")).toHaveLength(1);
      await world.infrastructure.destroy(instance, world.signal);
    }
  });

  test("is not started twice by supervisors that do not know of each other", async () => {
    const world = await World.create();
    const supervisors = [world.open(), world.open(), world.open()];
    for (let round = 0; round < 5; round += 1) {
      const instance = world.instance({ main: { command: sh(`echo begun; ${COUNTER}`) } });
      await world.create(instance);

      const started = await Promise.all(
        supervisors.map((infrastructure) => infrastructure.startMachine(instance, "main", world.signal)),
      );

      expect(new Set(started.map(({ attributes }) => attributes["pid"])).size).toBe(1);
      await world.textUntil(instance, "20");
      const { machines } = await world.infrastructure.observe(instance, world.signal);
      expect(machines["main"]).toEqual({ state: "running", started: started[0], exit: null });
      expect(textOf(await world.output(instance)).slice(0, 2)).toEqual(["begun", "1"]);
      expect(textOf(await world.output(instance)).filter((text) => text === "begun")).toHaveLength(1);
      await world.infrastructure.destroy(instance, world.signal);
    }
  });

  test("is started after a shim that was killed before it ran the command", async () => {
    const world = await World.create();
    const instance = world.instance({ main: { command: sh("echo begun; sleep 100") } });
    await world.create(instance);
    const { directory } = world.layout.instance(instance).machine("main").main;
    await mkdir(directory, { recursive: true });
    await symlink(`999999 ${bootId()} 1`, `${directory}/lock`);

    await world.infrastructure.startMachine(instance, "main", world.signal);

    expect(await world.textUntil(instance, "begun")).toEqual(["begun"]);
  });
});
