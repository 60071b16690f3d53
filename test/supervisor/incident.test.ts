import { describe, expect, test } from "vitest";
import type { NewEvent, WorkspaceRow } from "../../src/journal/spi.ts";
import { incidentOf, MAX_EVENTS } from "../../src/supervisor/incident.ts";
import { Laboratory } from "../../src/testing/laboratory.ts";
import { memoryJournal } from "../../src/testing/memory-journal.ts";
import { workspaceOf } from "../../src/testing/workspace-of.ts";

async function ranTwice(): Promise<Laboratory> {
  const laboratory = await Laboratory.open();
  const { supervisor } = laboratory;
  supervisor.create(workspaceOf("shop", { web: { env: { KEY: "hunter2-hunter2" } } }));
  for (let round = 0; round < 2; round += 1) {
    supervisor.start("shop");
    await laboratory.untilStatus("shop", "RUNNING");
    supervisor.stop("shop");
    await laboratory.untilStatus("shop", "STOPPED");
  }
  return laboratory;
}

describe("an export", () => {
  test("has all events of all instances, with the environment that each was started with", async () => {
    const { supervisor } = await ranTwice();

    const incident = await supervisor.export("shop");

    expect(incident).toMatchObject({ format: "troupe-incident", version: 1, notes: [] });
    expect(incident.events).toEqual(supervisor.events("shop", { limit: 1_000 }));
    expect(incident.instances).toHaveLength(2);
    expect(Object.keys(incident.instances[0]?.environment.machines ?? {})).toEqual(["web"]);
  });

  test("of one instance has its events alone", async () => {
    const { supervisor } = await ranTwice();
    const instanceId = supervisor.get("shop").instanceId ?? "";

    const { events, instances } = await supervisor.export("shop", { instanceId });

    expect(instances.map((one) => one.instanceId)).toEqual([instanceId]);
    expect(new Set(events.map((event) => event.instanceId))).toEqual(new Set([instanceId]));
  });

  test("of an instance that is another workspace's is refused", async () => {
    const { supervisor } = await ranTwice();
    supervisor.create(workspaceOf("other", { web: {} }));
    const instanceId = supervisor.get("shop").instanceId ?? "";

    await expect(supervisor.export("other", { instanceId })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(supervisor.export("shop", { instanceId: "none" })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("holds no value of a variable", async () => {
    const { supervisor } = await ranTwice();

    expect(JSON.stringify(await supervisor.export("shop"))).not.toContain("hunter2");
  });

  test("keeps to the newest events, and says so", async () => {
    const journal = memoryJournal();
    journal.createWorkspace(row);
    const event: NewEvent = {
      workspaceId: row.workspaceId,
      instanceId: null,
      at: 0,
      source: { kind: "workspace" },
      from: null,
      to: "updated",
      status: "STOPPED",
      cause: "workspace.updated",
      deadlineAt: null,
      budgetMs: null,
      failure: null,
      data: {},
    };
    journal.append({ events: Array.from({ length: MAX_EVENTS + 10 }, () => event), instances: [] });

    const { events, notes } = await incidentOf(journal, row, { instanceId: undefined, exportedAt: 0 });

    expect(events).toHaveLength(MAX_EVENTS);
    expect(events[0]?.sequence).toBe(11);
    expect(notes).toEqual(["The oldest 10 events are left out: a file holds at most 50000."]);
  });
});

const row: WorkspaceRow = {
  workspaceId: "workspace0000000000000000",
  owner: "default",
  name: "shop",
  config: {
    name: "shop",
    description: "",
    attributes: {},
    defaultEnv: "default",
    environments: {},
    commands: [],
    projects: [],
  },
  attributes: {},
  version: 1,
  createdAt: 0,
  updatedAt: 0,
  instanceId: null,
  status: "STOPPED",
  deletingSince: null,
};
