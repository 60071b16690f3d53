import { describe, expect, type TestContext, test } from "vitest";
import { linesOf, numbersTo, type Scene, settled, textOf } from "./stage.ts";

/** What the next supervisor finds. */
export function recoveryContract(scene: Scene): void {
  const onlyIfItReopens = ({ skip }: TestContext) => {
    if (!scene.stage.canRestart) skip("it cannot be opened again");
  };

  describe("recovery", () => {
    test("a restarted supervisor adopts what runs", async (context) => {
      onlyIfItReopens(context);
      const { stage, programs } = scene;
      const instance = stage.instance({ main: { command: programs.count(60, 10), servers: { http: {} } } });
      await stage.launch(instance);
      const before = await stage.observe(instance);
      const first = await stage.linesUntil(instance, "main", "5");

      await stage.restart();

      expect(await stage.isListed(instance)).toBe(true);
      expect(await stage.observe(instance)).toEqual(before);
      expect(await stage.start(instance, "main")).toEqual(before.machines["main"]?.started);
      const cursor = { "": first.at(-1)?.position ?? 0 };
      const rest = await stage.linesUntil(instance, "main", "60", cursor);
      expect(textOf([...first, ...rest])).toEqual(numbersTo(60));
    });

    test("a restarted supervisor repeats a whole start without harm", async (context) => {
      onlyIfItReopens(context);
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.count(5, 10) });
      await stage.restart();

      await stage.launch(instance);

      expect(textOf(await stage.linesUntil(instance, "main", "5"))).toEqual(numbersTo(5));
    });

    test("an exit while nobody looked is told", async (context) => {
      onlyIfItReopens(context);
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.exit(8, 0) });
      await stage.facts(instance, "main");

      await stage.restart();

      expect((await stage.observe(instance)).machines["main"]).toMatchObject({ state: "exited", exit: { code: 8 } });
      expect(await stage.facts(instance, "main")).toMatchObject([{ type: "exited", exit: { code: 8 } }]);
    });

    test("an exit is told to who watches an adopted machine", async (context) => {
      onlyIfItReopens(context);
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.exit(8, 500) });
      await stage.restart();

      expect(await stage.facts(instance, "main")).toMatchObject([{ type: "exited", exit: { code: 8 } }]);
    });

    test("a process in a machine is found again, running and ended", async (context) => {
      onlyIfItReopens(context);
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });
      const exec = (id: string, afterMs: number) =>
        stage.infrastructure.exec(instance, "main", { id, command: programs.exit(4, afterMs), env: {} }, stage.signal);
      const ended = await exec("ended", 0);
      // It belongs to the supervisor that is gone: how it settles, if at all, is no matter.
      exec("running", 500).catch(() => {});
      await stage.linesUntil(instance, "main", (line) => line.installer === "running");

      await stage.restart();

      expect(await exec("ended", 0)).toEqual(ended);
      expect((await exec("running", 500)).code).toBe(4);
      const begun = (await linesOf(stage.output(instance, "main"))).filter((line) => line.text === "begun");
      expect(begun.map((line) => line.installer).sort()).toEqual(["ended", "running"]);
    });

    test("a machine that was adopted can be stopped, and its instance destroyed", async (context) => {
      onlyIfItReopens(context);
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.stubborn });
      await stage.linesUntil(instance, "main", "ready");
      await stage.restart();

      await stage.infrastructure.stopMachine(instance, "main", 100, stage.signal);
      expect((await stage.observe(instance)).machines["main"]?.state).toBe("exited");

      expect(await stage.infrastructure.destroy(instance, stage.signal)).toEqual([]);
      expect(await stage.isListed(instance)).toBe(false);
    });

    test("an instance that nobody adopts can be destroyed by its identity alone", async (context) => {
      onlyIfItReopens(context);
      const { stage, programs } = scene;
      const { instanceId } = await stage.running({ command: programs.idle });
      await stage.restart();
      const identities = await stage.infrastructure.identities(stage.signal);
      const found = identities.find((identity) => identity.instanceId === instanceId);
      if (found === undefined) throw new Error(`${instanceId} is not among the identities`);

      expect(await stage.infrastructure.destroy(found, stage.signal)).toEqual([]);

      expect((await stage.observe(found)).exists).toBe(false);
    });

    test("close() ends who follows, and nothing else", async (context) => {
      onlyIfItReopens(context);
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });
      const facts = settled(stage.facts(instance, "main"), 5_000);
      const lines = settled(linesOf(stage.output(instance, "main", {}, { follow: true })), 5_000);

      await stage.restart();

      await Promise.all([facts, lines]);
      expect((await stage.observe(instance)).machines["main"]?.state).toBe("running");
    });
  });
}
