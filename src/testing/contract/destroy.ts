import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import type { Instance } from "../../infrastructure/spi.ts";
import { type OperationUnderTest, operationsUnderTest, setUp } from "./operations.ts";
import { linesOf, type Scene, settled } from "./stage.ts";

/** How long after an operation has begun the instance is destroyed, in milliseconds: before, in and after its middle. */
const MOMENTS_MS = [0, 1, 5, 25];

/** Nothing is left behind, whatever went on. */
export function destroyContract(scene: Scene): void {
  async function expectNothingOf(instance: Instance): Promise<void> {
    const { stage } = scene;
    expect(await stage.observe(instance)).toEqual({ exists: false, machines: {} });
    expect(await stage.isListed(instance)).toBe(false);
    expect(await linesOf(stage.output(instance, "main"))).toEqual([]);
  }

  async function destroy(instance: Instance): Promise<void> {
    expect(await scene.stage.infrastructure.destroy(instance, scene.stage.signal)).toEqual([]);
  }

  describe("destroy", () => {
    test.each<OperationUnderTest["needs"]>(["nothing", "prepared", "created", "running"])(
      "removes an instance of which there is: %s",
      async (needs) => {
        const instance = await setUp(scene, needs);

        await destroy(instance);
        await expectNothingOf(instance);
        await destroy(instance);
        await expectNothingOf(instance);
      },
    );

    test("removes an instance with an exited machine, processes and files", async () => {
      const { stage, programs } = scene;
      const instance = stage.instance({ done: { command: programs.exit(0, 0) }, main: { command: programs.idle } });
      await stage.launch(instance);
      await stage.facts(instance, "done");
      await stage.infrastructure.put(instance, "main", [{ path: "deep/file", content: "text" }], stage.signal);
      const request = { id: "tool", command: programs.stubborn, env: {} };
      const tool = stage.infrastructure.exec(instance, "main", request, stage.signal);
      const toolEnds = settled(tool, 10_000);
      await stage.linesUntil(instance, "main", "ready");

      await destroy(instance);

      await expectNothingOf(instance);
      await toolEnds;
    });

    test("at once with itself removes all", async () => {
      const instance = await setUp(scene, "running");

      await Promise.all([destroy(instance), destroy(instance), destroy(instance)]);

      await expectNothingOf(instance);
    });

    describe.each(operationsUnderTest)("during $name", (operation) => {
      test.each(MOMENTS_MS)("leaves nothing, %i ms after it began", async (momentMs) => {
        const instance = await setUp(scene, operation.needs);
        const work = settled(operation.run(scene, instance, scene.stage.signal), 10_000);
        if (momentMs > 0) await pause(momentMs);

        await destroy(instance);
        await work;

        await destroy(instance);
        await expectNothingOf(instance);
      });

      test("leaves nothing after it was let go of", async () => {
        const instance = await setUp(scene, operation.needs);
        const abort = new AbortController();
        const work = settled(operation.run(scene, instance, abort.signal));
        abort.abort(new Error("no longer wanted"));
        await work;

        // What comes late is removed by a repeated call.
        await vi.waitFor(async () => {
          await destroy(instance);
          await pause(50);
          await expectNothingOf(instance);
        }, 5_000);
      });
    });

    test("in the middle of a whole start leaves nothing", async () => {
      const { stage, programs } = scene;
      for (const momentMs of [0, 1, 2, 4, 8, 16, 32, 64]) {
        const machine = { command: programs.count(100, 10), servers: { http: {} } };
        const instance = stage.instance({ one: machine, two: machine });
        const launch = settled(stage.launch(instance), 10_000);
        await pause(momentMs);

        await destroy(instance);
        await launch;
        await destroy(instance);

        await expectNothingOf(instance);
      }
    });
  });
}
