import { describe, expect, test } from "vitest";
import { linesOf, numbersTo, type Scene, textOf } from "./stage.ts";

/** An instance is touched by what bears its id, and by nothing else. */
export function isolationContract(scene: Scene): void {
  describe("isolation", () => {
    test("what is done to one instance leaves all others alone", async () => {
      const { stage, programs } = scene;
      const { infrastructure, signal } = stage;
      const [doomed, spared] = [programs.idle, programs.count(20, 20)].map((command) =>
        stage.instance({ main: { command } }),
      );
      if (doomed === undefined || spared === undefined) throw new Error("There are two");
      await stage.launch(doomed);
      await stage.launch(spared);
      const before = await stage.observe(spared);

      await infrastructure.stopMachine(doomed, "main", 0, signal);
      await infrastructure.removeMachine(doomed, "main", signal);
      await infrastructure.destroy(doomed, signal);

      expect(await stage.observe(spared)).toEqual(before);
      expect(await stage.isListed(spared)).toBe(true);
      expect(textOf(await stage.linesUntil(spared, "main", "20"))).toEqual(numbersTo(20));
    });

    test("a second instance of a workspace does not see or end the first", async () => {
      const { stage, programs } = scene;
      const { infrastructure, signal } = stage;
      const machines = { main: { command: programs.count(1, 0) } };
      const old = stage.instance(machines);
      const young = stage.instance(machines, old.workspaceId);
      await stage.launch(old);
      await stage.linesUntil(old, "main", "1");
      await stage.prepare(young);

      expect(await stage.observe(young)).toEqual({ exists: true, machines: {} });
      expect(await linesOf(stage.output(young, "main"))).toEqual([]);
      await infrastructure.stopMachine(young, "main", 0, signal);
      await infrastructure.removeMachine(young, "main", signal);
      await infrastructure.destroy(young, signal);

      expect((await stage.observe(old)).machines["main"]?.state).toBe("running");
    });

    test("an exec id means another process in another machine", async () => {
      const { stage, programs } = scene;
      const machine = { command: programs.idle };
      const instance = stage.instance({ one: machine, two: machine });
      await stage.launch(instance);
      const exec = (name: string, code: number) =>
        stage.infrastructure.exec(
          instance,
          name,
          { id: "tool", command: programs.exit(code, 0), env: {} },
          stage.signal,
        );

      expect((await exec("one", 1)).code).toBe(1);
      expect((await exec("two", 2)).code).toBe(2);
    });

    test("names with dots, slashes, spaces and other letters are kept apart", async () => {
      const { stage, programs } = scene;
      const names = ["a/b", "a-b", "a_b", "a b", "../a", "ä", "A/B"];
      const instance = stage.instance(
        Object.fromEntries(names.map((name, index) => [name, { command: programs.exit(index + 1, 0) }])),
      );
      await stage.launch(instance);

      for (const [index, name] of names.entries()) {
        expect(await stage.facts(instance, name)).toMatchObject([{ exit: { code: index + 1 } }]);
      }
      expect(Object.keys((await stage.observe(instance)).machines).sort()).toEqual([...names].sort());
    });
  });
}
