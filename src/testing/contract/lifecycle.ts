import { describe, expect, test } from "vitest";
import type { Progress } from "../../infrastructure/spi.ts";
import { noProgress, numbersTo, type Scene, textOf } from "./stage.ts";

/** From nothing to a machine that runs, and back. */
export function lifecycleContract(scene: Scene): void {
  describe("lifecycle", () => {
    test("an instance exists from prepare() to destroy()", async () => {
      const { stage, programs } = scene;
      const instance = stage.instance({ main: { command: programs.idle } });
      expect(await stage.observe(instance)).toEqual({ exists: false, machines: {} });
      expect(await stage.isListed(instance)).toBe(false);

      await stage.prepare(instance);
      expect((await stage.observe(instance)).exists).toBe(true);
      expect(await stage.isListed(instance)).toBe(true);

      expect(await stage.infrastructure.destroy(instance, stage.signal)).toEqual([]);
      expect(await stage.observe(instance)).toEqual({ exists: false, machines: {} });
      expect(await stage.isListed(instance)).toBe(false);
    });

    test("observe() shows a machine as created, running and exited", async () => {
      const { stage, programs } = scene;
      const instance = stage.instance({ main: { command: programs.idle } });
      await stage.prepare(instance);

      await stage.create(instance, "main");
      expect((await stage.observe(instance)).machines["main"]).toEqual({ state: "created", started: null, exit: null });

      const started = await stage.start(instance, "main");
      expect((await stage.observe(instance)).machines["main"]).toEqual({ state: "running", started, exit: null });

      await stage.infrastructure.stopMachine(instance, "main", 0, stage.signal);
      const exited = (await stage.observe(instance)).machines["main"];
      expect(exited).toMatchObject({ state: "exited", started: null });
      expect(exited?.exit).not.toBeNull();

      await stage.infrastructure.removeMachine(instance, "main", stage.signal);
      expect(await stage.observe(instance)).toEqual({ exists: true, machines: {} });
    });

    test("every operation may be repeated", async () => {
      const { stage, programs } = scene;
      const { infrastructure, signal } = stage;
      const instance = stage.instance({ main: { command: programs.count(3, 0), servers: { http: {} } } });
      const twice = async <T>(operation: () => Promise<T>) => [await operation(), await operation()] as const;

      await twice(() => infrastructure.prepare(instance, signal, noProgress));
      await twice(() => infrastructure.fetchImage(instance, "main", signal, noProgress));
      await twice(() => infrastructure.createMachine(instance, "main", signal));
      await twice(() => infrastructure.put(instance, "main", [{ path: "file", content: "text" }], signal));
      const [started, startedAgain] = await twice(() => infrastructure.startMachine(instance, "main", signal));
      expect(startedAgain).toEqual(started);
      await twice(() => infrastructure.stopMachine(instance, "main", 0, signal));
      await twice(() => infrastructure.removeMachine(instance, "main", signal));
      await twice(() => infrastructure.destroy(instance, signal));
      await twice(() => infrastructure.removeVolumes(instance.workspaceId, signal));
      expect((await stage.observe(instance)).exists).toBe(false);
    });

    test("stopping, removing and destroying what is not there is no error", async () => {
      const { stage, programs } = scene;
      const instance = stage.instance({ main: { command: programs.idle } });

      await stage.infrastructure.stopMachine(instance, "main", 0, stage.signal);
      await stage.infrastructure.removeMachine(instance, "main", stage.signal);
      expect(await stage.infrastructure.destroy(instance, stage.signal)).toEqual([]);
      await stage.infrastructure.removeVolumes(instance.workspaceId, stage.signal);
      expect((await stage.observe(instance)).exists).toBe(false);
    });

    test("createMachine() on a running machine leaves it alone", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });
      const before = (await stage.observe(instance)).machines["main"];

      await stage.create(instance, "main");

      expect((await stage.observe(instance)).machines["main"]).toEqual(before);
    });

    test("startMachine() any number of times, also at once, runs one machine", async () => {
      const { stage, programs } = scene;
      const instance = stage.instance({ main: { command: programs.count(5, 20) } });
      await stage.prepare(instance);
      await stage.create(instance, "main");

      const started = await Promise.all([1, 2, 3].map(() => stage.start(instance, "main")));
      started.push(await stage.start(instance, "main"));

      expect(new Set(started.map((each) => JSON.stringify(each))).size).toBe(1);
      expect(textOf(await stage.linesUntil(instance, "main", "5"))).toEqual(numbersTo(5));
    });

    test("a machine that was removed can be made and run again", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.exit(3, 0), servers: { http: {} } });
      const addresses = (await stage.start(instance, "main")).addresses;
      await stage.facts(instance, "main");
      await stage.infrastructure.removeMachine(instance, "main", stage.signal);

      await stage.create(instance, "main");
      const started = await stage.start(instance, "main");

      expect(started.addresses).toEqual(addresses);
      expect(await stage.facts(instance, "main")).toMatchObject([{ type: "exited", exit: { code: 3 } }]);
    });

    test("a machine without a command runs until it is stopped", async () => {
      const { stage } = scene;
      const instance = await stage.running({ command: null });

      expect((await stage.observe(instance)).machines["main"]?.state).toBe("running");
      await stage.infrastructure.stopMachine(instance, "main", 5_000, stage.signal);
      expect((await stage.observe(instance)).machines["main"]?.state).toBe("exited");
    });

    test("fetchImage() says when there is no such program", async () => {
      const { stage, programs } = scene;
      const instance = stage.instance({ main: { command: programs.missing } });
      await stage.prepare(instance);

      await expect(stage.infrastructure.fetchImage(instance, "main", stage.signal, noProgress)).rejects.toMatchObject({
        name: "TroupeError",
        class: "validation",
      });
    });

    test("progress never goes beyond its total", async () => {
      const { stage, programs } = scene;
      const instance = stage.instance({ main: { command: programs.idle, volumes: { data: { path: null } } } });
      const beyond: unknown[] = [];
      const progress: Progress = (step) => {
        if (step.current < 0 || (step.total > 0 && step.current > step.total)) beyond.push(step);
      };

      await stage.infrastructure.prepare(instance, stage.signal, progress);
      await stage.infrastructure.fetchImage(instance, "main", stage.signal, progress);

      expect(beyond).toEqual([]);
    });
  });
}
