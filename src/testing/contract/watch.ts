import { describe, expect, test } from "vitest";
import { type Scene, settled } from "./stage.ts";

/** What is told about a machine that was started. */
export function watchContract(scene: Scene): void {
  describe("watch", () => {
    test("tells an exit with its code when it comes, and ends", async () => {
      const { stage, programs } = scene;
      const before = Date.now();
      const instance = await stage.running({ command: programs.exit(3, 100) });

      const facts = await stage.facts(instance, "main");

      expect(facts).toMatchObject([{ type: "exited", exit: { code: 3, signal: null, oomKilled: false } }]);
      const [fact] = facts;
      // Some systems keep the end of a process in whole seconds.
      if (fact?.type === "exited") expect(fact.exit.at).toBeGreaterThan(before - 1_000);
    });

    test("looks before it listens: an exit that came earlier is told", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.exit(9, 0) });
      await stage.facts(instance, "main");

      expect(await stage.facts(instance, "main")).toMatchObject([{ type: "exited", exit: { code: 9 } }]);
    });

    test("every watcher is told", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.exit(2, 100) });

      const told = await Promise.all([stage.facts(instance, "main"), stage.facts(instance, "main")]);

      expect(told[0]).toEqual(told[1]);
    });

    test("tells the exit of a machine that is stopped", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });
      const facts = stage.facts(instance, "main");

      await stage.infrastructure.stopMachine(instance, "main", 5_000, stage.signal);

      expect(await facts).toMatchObject([{ type: "exited" }]);
    });

    test.each(["removed", "destroyed"])("ends when the machine is %s", async (how) => {
      const { stage, programs } = scene;
      const { infrastructure, signal } = stage;
      const instance = await stage.running({ command: programs.idle });
      const facts = stage.facts(instance, "main");

      if (how === "removed") await infrastructure.removeMachine(instance, "main", signal);
      else await infrastructure.destroy(instance, signal);

      await settled(facts, 5_000);
    });

    test("ends soon after its signal aborts, and the machine runs on", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });
      const abort = new AbortController();
      const watch = stage.infrastructure.watch(instance, "main", abort.signal);
      const next = watch[Symbol.asyncIterator]().next();

      abort.abort(new Error("no longer wanted"));

      const result = await settled(next);
      if (result.status === "rejected") expect(result.reason).toBe(abort.signal.reason);
      else expect(result.value.done).toBe(true);
      expect((await stage.observe(instance)).machines["main"]?.state).toBe("running");
    });
  });
}
