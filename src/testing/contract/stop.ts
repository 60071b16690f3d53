import { describe, expect, test } from "vitest";
import { type Scene, settled } from "./stage.ts";

/** How machines are ended. Times are the kit's, with room for a busy host. */
export function stopContract(scene: Scene): void {
  describe("stopMachine", () => {
    test("ends a machine that heeds it long before its grace is over", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.idle });

      await settled(stage.infrastructure.stopMachine(instance, "main", 20_000, stage.signal), 5_000);

      expect((await stage.observe(instance)).machines["main"]?.state).toBe("exited");
    });

    test("ends one that does not heed it when its grace is over, not before", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.stubborn });
      await stage.linesUntil(instance, "main", "ready");
      const before = performance.now();

      await stage.infrastructure.stopMachine(instance, "main", 300, stage.signal);

      // A timer may fire up to a millisecond early.
      expect(performance.now() - before).toBeGreaterThanOrEqual(299);
      expect(performance.now() - before).toBeLessThan(5_000);
      expect((await stage.observe(instance)).machines["main"]?.state).toBe("exited");
    });

    test("with no grace ends even that one at once", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.stubborn });
      await stage.linesUntil(instance, "main", "ready");

      await settled(stage.infrastructure.stopMachine(instance, "main", 0, stage.signal));

      expect((await stage.observe(instance)).machines["main"]?.state).toBe("exited");
      expect(await stage.facts(instance, "main")).toMatchObject([{ type: "exited", exit: { signal: "SIGKILL" } }]);
    });

    test("a second one without grace cuts the first one short", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.stubborn });
      await stage.linesUntil(instance, "main", "ready");
      const polite = stage.infrastructure.stopMachine(instance, "main", 25_000, stage.signal);

      await settled(stage.infrastructure.stopMachine(instance, "main", 0, stage.signal));

      expect((await settled(polite)).status).toBe("fulfilled");
    });

    test("one that was let go of does not stand in the way of the next", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.stubborn });
      await stage.linesUntil(instance, "main", "ready");
      const abort = new AbortController();
      const polite = stage.infrastructure.stopMachine(instance, "main", 25_000, abort.signal);
      abort.abort(new Error("no longer wanted"));
      await expect(polite).rejects.toBe(abort.signal.reason);

      await settled(stage.infrastructure.stopMachine(instance, "main", 0, stage.signal));

      expect((await stage.observe(instance)).machines["main"]?.state).toBe("exited");
    });

    test("keeps the exit of a machine that had ended by itself", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.exit(6, 0) });
      await stage.facts(instance, "main");

      await stage.infrastructure.stopMachine(instance, "main", 1_000, stage.signal);

      expect((await stage.observe(instance)).machines["main"]?.exit).toMatchObject({ code: 6 });
    });

    test("removeMachine() ends a machine that runs", async () => {
      const { stage, programs } = scene;
      const instance = await stage.running({ command: programs.stubborn });
      await stage.linesUntil(instance, "main", "ready");

      await settled(stage.infrastructure.removeMachine(instance, "main", stage.signal), 5_000);

      expect(await stage.observe(instance)).toEqual({ exists: true, machines: {} });
    });
  });
}
