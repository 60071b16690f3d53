import { describe, expect, test } from "vitest";
import { TroupeError } from "../../src/errors.ts";
import { type Verdict, Watchers } from "../../src/supervisor/watchers.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const late = () => new TroupeError("WAIT_TIMEOUT", "It took too long");

function waiting(signal?: AbortSignal) {
  const clock = new VirtualClock();
  const watchers = new Watchers(clock);
  let verdict: Verdict<string> = "waits";
  let looks = 0;
  const value = watchers.until(
    "ws-1",
    () => {
      looks += 1;
      return verdict;
    },
    { withinMs: 1_000, late, signal },
  );
  value.catch(() => {}); // asserted on later
  const become = (next: Verdict<string>, workspaceId = "ws-1"): void => {
    verdict = next;
    watchers.changed(workspaceId);
  };
  return { clock, watchers, value, become, looks: () => looks };
}

describe("whoever waits for a workspace", () => {
  test("is answered when it is as wanted, and leaves nothing behind", async () => {
    const { clock, value, become, looks } = waiting();

    become("waits");
    become({ holds: "RUNNING" });
    become({ holds: "again" });

    await expect(value).resolves.toBe("RUNNING");
    expect(looks()).toBe(3);
    expect(clock.pending).toBe(0);
  });

  test("does not look when another workspace changes", () => {
    const { become, looks } = waiting();

    become({ holds: "RUNNING" }, "ws-2");

    expect(looks()).toBe(1);
  });

  test("is told when it can no longer come true", async () => {
    const { value, become } = waiting();

    become(new TroupeError("WAIT_FAILED", "It stopped"));

    await expect(value).rejects.toMatchObject({ code: "WAIT_FAILED" });
  });

  test("is told when the time is over", async () => {
    const { clock, value, become, looks } = waiting();

    clock.advance(1_000);
    become({ holds: "RUNNING" });

    await expect(value).rejects.toMatchObject({ code: "WAIT_TIMEOUT" });
    expect(looks()).toBe(1);
  });

  test.each(["before", "meanwhile"])("may give up: %s", async (when) => {
    const controller = new AbortController();
    if (when === "before") controller.abort(new Error("enough"));
    const { clock, value } = waiting(controller.signal);

    controller.abort(new Error("enough"));

    await expect(value).rejects.toThrow("enough");
    expect(clock.pending).toBe(0);
  });

  test("is told when the supervisor closes", async () => {
    const { value, watchers } = waiting();

    watchers.close();

    await expect(value).rejects.toMatchObject({ code: "SUPERVISOR_CLOSED" });
  });

  test("gets the error of a look that goes wrong; who made the change does not", async () => {
    const clock = new VirtualClock();
    const watchers = new Watchers(clock);
    const value = watchers.until(
      "ws-1",
      () => {
        throw new Error("no such workspace");
      },
      { withinMs: 1, late },
    );

    await expect(value).rejects.toThrow("no such workspace");
    expect(() => watchers.changed("ws-1")).not.toThrow();
  });
});
