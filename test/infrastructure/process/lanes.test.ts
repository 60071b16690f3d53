import { describe, expect, test } from "vitest";
import { Lanes } from "../../../src/infrastructure/process/lanes.ts";

const never = new AbortController().signal;

describe("Lanes", () => {
  test("work in one lane runs in order, one at a time; other lanes do not wait", async () => {
    const lanes = new Lanes();
    const seen: string[] = [];
    const work = (name: string) => async () => {
      seen.push(`${name} begins`);
      await new Promise(setImmediate);
      seen.push(`${name} ends`);
    };

    await Promise.all([
      lanes.run("a", never, work("first")),
      lanes.run("a", never, work("second")),
      lanes.run("b", never, async () => {
        seen.push("other");
      }),
    ]);

    expect(seen.indexOf("other")).toBeLessThan(seen.indexOf("first ends"));
    expect(seen.filter((step) => step !== "other")).toEqual([
      "first begins",
      "first ends",
      "second begins",
      "second ends",
    ]);
  });

  test("who gives up waiting lets nobody pass those before it", async () => {
    const lanes = new Lanes();
    const abort = new AbortController();
    let finish = () => {};
    const first = lanes.run("a", never, () => new Promise<void>((resolve) => (finish = resolve)));
    const second = lanes.run("a", abort.signal, async () => "second");
    let hasThirdRun = false;
    const third = lanes.run("a", never, async () => {
      hasThirdRun = true;
    });

    abort.abort(new Error("enough"));
    await expect(second).rejects.toBe(abort.signal.reason);
    await new Promise(setImmediate);
    expect(hasThirdRun).toBe(false);

    finish();
    await Promise.all([first, third]);
    expect(hasThirdRun).toBe(true);
  });

  test("work that fails leaves the lane", async () => {
    const lanes = new Lanes();

    await expect(lanes.run("a", never, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");

    expect(await lanes.run("a", never, async () => "next")).toBe("next");
  });
});
