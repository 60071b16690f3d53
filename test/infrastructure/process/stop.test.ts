import { spawn } from "node:child_process";
import { once } from "node:events";
import { symlink, unlink } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { bootId } from "../../../src/infrastructure/process/identity.ts";
import { workers } from "../../../src/infrastructure/process/shimmed-process.ts";
import { runs, sh, textOf, World } from "./world.ts";

/** A process that is none of ours, and leads a group. */
async function bystander(): Promise<number> {
  const child = spawn("sleep", ["100"], { stdio: "ignore", detached: true });
  await once(child, "spawn");
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  return child.pid ?? 0;
}

describe("stopMachine()", () => {
  test("asks first: the command and its children may end in their own way", async () => {
    const world = await World.create();
    const instance = await world.run("trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.02; done");
    await world.textUntil(instance, "ready");

    await world.stop(instance, 10_000);

    expect(textOf(await world.output(instance))).toContain("bye");
    expect(await world.exit(instance)).toMatchObject({ code: 7, signal: null });
    expect(await world.processes(instance)).toEqual([]);
  });

  test("ends what ignores it, and daemons in sessions of their own, within the grace and a second", async () => {
    const world = await World.create();
    const instance = await world.run(
      "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo daemon; while :; do sleep 1; done' & sleep 0.1; echo ready; while :; do sleep 1; done",
    );
    await world.textUntil(instance, "ready");
    expect((await world.processes(instance)).length).toBeGreaterThan(4);
    const before = performance.now();

    await world.stop(instance, 300);

    expect(performance.now() - before).toBeLessThan(1_300);
    expect(await world.processes(instance)).toEqual([]);
    expect(await world.exit(instance)).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  test("gives daemons the same grace as the command", async () => {
    const world = await World.create();
    const instance = await world.run(
      "setsid sh -c 'trap \"sleep 0.2; echo saved; exit\" TERM; echo ready; while :; do sleep 0.02; done' & sleep 100",
    );
    await world.textUntil(instance, "ready");

    await world.stop(instance, 10_000);

    expect(textOf(await world.output(instance))).toContain("saved");
    expect(await world.processes(instance)).toEqual([]);
  });

  test("finds children that hide their environment, by the group that they are in", async () => {
    const world = await World.create();
    const instance = await world.run("env -i sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & wait");
    const [pid] = textOf(await world.records(instance, ({ text }) => /^\d+$/.test(text)));

    await world.stop(instance, 100);

    expect(await runs(Number(pid))).toBe(false);
  });

  test("ends processes that the command left behind", async () => {
    const world = await World.create();
    const instance = await world.run("setsid sleep 100 & sleep 0.1; exit 3");
    expect(await world.exit(instance)).toMatchObject({ code: 3 });
    expect((await world.processes(instance)).length).toBeGreaterThan(0);

    await world.stop(instance, 10_000);

    expect(await world.processes(instance)).toEqual([]);
    expect(await world.exit(instance)).toMatchObject({ code: 3 });
  });

  test("never touches a process that has got the pid of one of ours", async () => {
    const world = await World.create();
    const instance = await world.run("sleep 100");
    const pid = await bystander();
    const record = `${world.layout.instance(instance).machine("main").main.directory}/process`;
    await world.stop(instance, 0);
    await unlink(record);
    await symlink(`${pid} ${bootId()} 1`, record);

    await world.stop(instance, 1_000);
    await world.remove(instance);
    await world.infrastructure.destroy(instance, world.signal);

    expect(await runs(pid)).toBe(true);
  });

  test("lets the machine's other processes end too, and nothing of another machine", async () => {
    const world = await World.create();
    const command = ["sleep", "100"];
    const instance = world.instance({ main: { command }, other: { command } });
    await world.start(instance, "other");
    await world.start(instance);
    const request = { id: "tool", command: sh("echo ready; exec sleep 100"), env: {} };
    const exec = world.infrastructure.exec(instance, "main", request, world.signal);
    await world.textUntil(instance, "ready");

    await world.stop(instance, 10_000);

    expect(await exec).toMatchObject({ signal: "SIGTERM" });
    expect((await world.processes(instance)).every(({ machine }) => machine === "other")).toBe(true);
    expect((await world.infrastructure.observe(instance, world.signal)).machines["other"]?.state).toBe("running");
  });
});

describe("how a machine ended", () => {
  test("is told with the signal that ended it", async () => {
    const world = await World.create();
    const instance = await world.run("kill -SEGV $$");

    expect(await world.exit(instance)).toMatchObject({ code: null, signal: "SIGSEGV" });
  });

  test("is told as unseen when everything was killed at once, and always with the same time", async () => {
    const world = await World.create();
    const instance = await world.run("echo ready; sleep 100");
    await world.textUntil(instance, "ready");

    const { shim, command } = await workers(world.layout.instance(instance).machine("main").main);
    process.kill(-(shim?.pid ?? 0), "SIGKILL");
    process.kill(-(command?.pid ?? 0), "SIGKILL");

    const exit = await world.exit(instance);
    expect(exit).toMatchObject({ code: null, signal: null });
    const { machines } = await world.infrastructure.observe(instance, world.signal);
    expect(machines["main"]).toEqual({ state: "exited", started: null, exit });
  });

  test("can be followed by its last lines at once", async () => {
    const world = await World.create();
    for (let round = 0; round < 10; round += 1) {
      const instance = await world.run("echo 'cannot start: no database' >&2; printf unfinished; exit 1");

      await world.exit(instance);

      expect(textOf(await world.output(instance))).toEqual(["cannot start: no database", "unfinished"]);
    }
  });
});
