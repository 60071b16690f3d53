import type { InstallerView, MachineView, ServerView, TroupeEvent, WorkspaceView } from "../../src/model/workspace.ts";

const actor = { since: 1_000, deadlineAt: null, budgetMs: null, failure: null };

export function workspaceView(changes: Partial<WorkspaceView> = {}): WorkspaceView {
  return {
    ...actor,
    id: "ws-1",
    name: "shop",
    owner: "default",
    status: "RUNNING",
    state: "running.steady",
    desired: "running",
    attributes: {},
    createdAt: 0,
    updatedAt: 0,
    version: 1,
    instanceId: "in-1",
    nextInstanceId: null,
    environment: "default",
    infrastructure: "process",
    startedAt: 0,
    readyAt: null,
    stoppedAt: null,
    stopReason: null,
    warnings: [],
    machines: {},
    ...changes,
  };
}

export function machineView(changes: Partial<MachineView> = {}): MachineView {
  return {
    ...actor,
    status: "RUNNING",
    state: "running",
    attributes: {},
    exit: null,
    restarts: 0,
    servers: {},
    installers: {},
    ...changes,
  };
}

export function serverView(changes: Partial<ServerView> = {}): ServerView {
  return {
    ...actor,
    status: "RUNNING",
    state: "running",
    url: null,
    internal: false,
    attributes: {},
    lastProbe: null,
    ...changes,
  };
}

export function installerView(changes: Partial<InstallerView> = {}): InstallerView {
  return { ...actor, status: "DONE", state: "done", version: "1.0.0", ...changes };
}

export function event(changes: Partial<TroupeEvent> = {}): TroupeEvent {
  return {
    position: 1,
    workspaceId: "ws-1",
    instanceId: "in-1",
    sequence: 1,
    at: 0,
    source: { kind: "workspace" },
    from: "stopped",
    to: "starting.queued",
    status: "STARTING",
    cause: "workspace.start",
    deadlineAt: null,
    budgetMs: null,
    failure: null,
    data: {},
    ...changes,
  };
}
