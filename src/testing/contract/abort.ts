import { describe, expect, test } from "vitest";
import { operationsUnderTest, setUp } from "./operations.ts";
import { type Scene, settled } from "./stage.ts";

/** Letting go of operations. */
export function abortContract(scene: Scene): void {
  describe("abort", () => {
    test.each(operationsUnderTest)("$name rejects with the reason of a signal that has aborted", async (operation) => {
      const instance = await setUp(scene, operation.needs);
      const before = await scene.stage.observe(instance);
      const reason = new Error("no longer wanted");

      await expect(operation.run(scene, instance, AbortSignal.abort(reason))).rejects.toBe(reason);

      expect(await scene.stage.observe(instance)).toEqual(before);
    });

    test.each(operationsUnderTest)(
      "$name settles soon after its signal aborts, and can be called again",
      async (operation) => {
        const instance = await setUp(scene, operation.needs);
        const abort = new AbortController();
        const work = operation.run(scene, instance, abort.signal);

        abort.abort(new Error("no longer wanted"));

        const result = await settled(work);
        if (result.status === "rejected") expect(result.reason).toBe(abort.signal.reason);
        if (operation.name === "exec" || operation.name === "stopMachine") expect(result.status).toBe("rejected");
        else await operation.run(scene, instance, scene.stage.signal);
      },
    );
  });
}
