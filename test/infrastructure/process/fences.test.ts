import { describe, expect, test } from "vitest";
import { Fences } from "../../../src/infrastructure/process/fences.ts";

const never = new AbortController().signal;

/** An operation that notices an abort only when it is told to. */
function operation() {
  let settle = () => {};
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return {
    settle,
    run: async (signal: AbortSignal) => {
      await settled;
      signal.throwIfAborted();
    },
  };
}

describe("Fences", () => {
  test("a destruction ends what is under way, and waits until it has let go", async () => {
    const fences = new Fences();
    const slow = operation();
    const running = fences.enter("in-1", never, slow.run);
    let isDestroyed = false;
    const destruction = fences.close("in-1", never, async () => {
      isDestroyed = true;
    });

    await new Promise(setImmediate);
    expect(isDestroyed).toBe(false);

    slow.settle();
    await expect(running).rejects.toMatchObject({ code: "NOT_FOUND" });
    await destruction;
    expect(isDestroyed).toBe(true);
  });

  test("a destruction turns new operations away until it is done, and those of other instances never", async () => {
    const fences = new Fences();
    const slow = operation();
    const destruction = fences.close("in-1", never, () => slow.run(never));

    await expect(fences.enter("in-1", never, async () => "done")).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await fences.enter("in-2", never, async () => "done")).toBe("done");

    slow.settle();
    await destruction;
    expect(await fences.enter("in-1", never, async () => "done")).toBe("done");
  });

  test("the caller's reason goes through", async () => {
    const reason = new Error("enough");

    await expect(new Fences().enter("in-1", AbortSignal.abort(reason), async () => {})).rejects.toBe(reason);
  });
});
