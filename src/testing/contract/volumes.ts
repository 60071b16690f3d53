import { describe, expect, test } from "vitest";
import type { Instance } from "../../infrastructure/spi.ts";
import { type Scene, textOf } from "./stage.ts";

/** What outlives an instance. */
export function volumeContract(scene: Scene): void {
  const sketch = () => ({ main: { command: scene.programs.idle, volumes: { data: { path: null } } } });

  async function keep(instance: Instance, text: string): Promise<void> {
    const request = { id: "keep", command: scene.programs.keep("data", text), env: {} };
    const exit = await scene.stage.infrastructure.exec(instance, "main", request, scene.stage.signal);
    expect(exit.code).toBe(0);
  }

  async function kept(instance: Instance, machine = "main"): Promise<string[]> {
    const request = { id: "kept", command: scene.programs.kept("data"), env: {} };
    await scene.stage.infrastructure.exec(instance, machine, request, scene.stage.signal);
    const lines = await scene.stage.linesUntil(instance, machine, (line) => line.installer === "kept");
    return textOf(lines.filter((line) => line.installer === "kept"));
  }

  describe("volumes", () => {
    test("survive destroy(), and the workspace's next instance finds them", async () => {
      const { stage } = scene;
      const first = stage.instance(sketch());
      await stage.launch(first);
      await keep(first, "precious");
      await stage.infrastructure.destroy(first, stage.signal);

      const second = stage.instance(sketch(), first.workspaceId);
      await stage.launch(second);

      expect(await kept(second)).toEqual(["precious"]);
    });

    test("are shared by the machines of an instance that use the same name", async () => {
      const { stage } = scene;
      const instance = stage.instance({ ...sketch(), other: sketch().main });
      await stage.launch(instance);

      await keep(instance, "shared");

      expect(await kept(instance, "other")).toEqual(["shared"]);
    });

    test("are another workspace's own", async () => {
      const { stage } = scene;
      const mine = stage.instance(sketch());
      const theirs = stage.instance(sketch());
      await stage.launch(mine);
      await stage.launch(theirs);

      await keep(mine, "mine");

      expect(await kept(theirs)).toEqual(["nothing"]);
    });

    test("are gone after removeVolumes(), and only that workspace's", async () => {
      const { stage } = scene;
      const { infrastructure, signal } = stage;
      const [mine, theirs] = [stage.instance(sketch()), stage.instance(sketch())];
      for (const instance of [mine, theirs]) {
        await stage.launch(instance);
        await keep(instance, "kept");
        await infrastructure.destroy(instance, signal);
      }

      await infrastructure.removeVolumes(mine.workspaceId, signal);
      await infrastructure.removeVolumes(mine.workspaceId, signal);

      const [mineAgain, theirsAgain] = [mine, theirs].map(({ workspaceId }) => stage.instance(sketch(), workspaceId));
      if (mineAgain === undefined || theirsAgain === undefined) throw new Error("There are two");
      await stage.launch(mineAgain);
      await stage.launch(theirsAgain);
      expect(await kept(mineAgain)).toEqual(["nothing"]);
      expect(await kept(theirsAgain)).toEqual(["kept"]);
    });
  });
}
