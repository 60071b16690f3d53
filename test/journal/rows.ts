/** Rows with everything filled in, for tests that are about one or two fields. */
import type { Source } from "../../machines/port.ts";
import type { InstanceRow, NewEvent, WorkspaceRow } from "../../src/journal/spi.ts";

export const T0 = Date.UTC(2026, 0, 1);

export const ofWorkspace: Source = { kind: "workspace" };

export function workspaceRow(workspaceId: string, fields: Partial<WorkspaceRow> = {}): WorkspaceRow {
  return {
    workspaceId,
    owner: "ada",
    name: workspaceId,
    config: {
      name: workspaceId,
      description: "",
      attributes: {},
      defaultEnv: "default",
      environments: { default: { recipe: { type: "process", content: "sleep 1" }, machines: {} } },
      commands: [],
      projects: [],
    },
    attributes: {},
    version: 1,
    createdAt: T0,
    updatedAt: T0,
    instanceId: null,
    status: "STOPPED",
    deletingSince: null,
    ...fields,
  };
}

export function instanceRow(workspaceId: string, instanceId: string, fields: Partial<InstanceRow> = {}): InstanceRow {
  return {
    workspaceId,
    instanceId,
    environment: {
      name: "default",
      recipeType: "process",
      machines: {},
      strategy: { onFailure: "stop-workspace", maxRestarts: 3, withinMs: 5_000 },
      warnings: [],
    },
    infrastructure: "process",
    desired: "running",
    forced: false,
    priority: 0,
    createdAt: T0,
    readyAt: null,
    stoppedAt: null,
    stopReason: null,
    failure: null,
    warnings: [],
    lastOutput: [],
    ...fields,
  };
}

export function newEvent(workspaceId: string, instanceId: string | null, fields: Partial<NewEvent> = {}): NewEvent {
  return {
    workspaceId,
    instanceId,
    at: T0,
    source: ofWorkspace,
    from: "stopped",
    to: "starting.queued",
    status: "STARTING",
    cause: "workspace.start",
    deadlineAt: null,
    budgetMs: null,
    failure: null,
    data: {},
    ...fields,
  };
}
