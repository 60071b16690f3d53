import { describe, expect, test } from "vitest";
import { Laboratory } from "../../src/testing/laboratory.ts";
import { workspaceOf } from "../../src/testing/workspace-of.ts";

async function opened(): Promise<Laboratory> {
  const laboratory = await Laboratory.open();
  laboratory.supervisor.create(workspaceOf("shop", { web: {} }));
  return laboratory;
}

describe("a laboratory", () => {
  test("has no process after a kill, and a new one over the same world after a boot", async () => {
    const laboratory = await opened();
    laboratory.supervisor.start("shop");
    const { instanceId } = await laboratory.untilStatus("shop", "RUNNING");

    laboratory.kill();
    expect(laboratory.isAlive).toBe(false);
    expect(laboratory.diedAt).toBe(laboratory.clock.now());
    expect(() => laboratory.supervisor).toThrow("No process runs");
    expect(laboratory.clock.pending).toBe(0);

    await laboratory.boot();
    expect(laboratory.left).toEqual([instanceId]);
    expect(laboratory.view("shop").instanceId).toBe(instanceId);
  });

  test("kills its process before a write that it is doomed at: nothing of it is in the journal", async () => {
    const laboratory = await opened();

    laboratory.doom({ write: 1, when: "before" });
    laboratory.supervisor.start("shop");
    expect(laboratory.isAlive).toBe(false);
    await laboratory.boot();

    expect(laboratory.view("shop").instanceId).toBeNull();
    expect(laboratory.left).toEqual([]);
  });

  test("kills its process after a write that it is doomed at: it was committed, and nothing that followed", async () => {
    const laboratory = await opened();

    laboratory.doom({ write: 1, when: "after" });
    laboratory.supervisor.start("shop");
    expect(laboratory.isAlive).toBe(false);
    expect(laboratory.journal.activeInstances()).toHaveLength(1);
    expect(laboratory.left).toEqual([]);

    await laboratory.boot();
    await laboratory.untilStatus("shop", "RUNNING");
  });

  test("keeps its doom to itself when it is taken back", async () => {
    const laboratory = await opened();

    laboratory.doom({ write: 1, when: "before" });
    laboratory.doom(null);
    laboratory.supervisor.start("shop");

    expect(laboratory.isAlive).toBe(true);
  });
});
