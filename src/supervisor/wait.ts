import { TroupeError } from "../errors.ts";
import type { WorkspaceView } from "../model/workspace.ts";
import type { WaitCondition } from "./api.ts";
import type { Verdict } from "./watchers.ts";

/** Whether a condition holds, may still come true, or cannot any more. Pure. */
export function verdict(view: WorkspaceView, condition: WaitCondition): Verdict<WorkspaceView> {
  const isStopped = view.status === "STOPPED" && view.nextInstanceId === null;
  if (isTrue(view, condition, isStopped)) return { holds: view };
  if (condition.for === "server" && view.instanceId !== null && !hasServer(view, condition)) {
    return new TroupeError(
      "NOT_FOUND",
      `Workspace "${view.name}" has no server "${condition.server}" in a machine "${condition.machine}"`,
    );
  }
  return isStopped ? stopped(view) : "waits";
}

function isTrue(view: WorkspaceView, condition: WaitCondition, isStopped: boolean): boolean {
  switch (condition.for) {
    case "stopped":
      return isStopped;
    case "running":
      return view.status === "RUNNING";
    case "server":
      return view.machines[condition.machine]?.servers[condition.server]?.status === condition.status;
  }
}

function hasServer(view: WorkspaceView, { machine, server }: { machine: string; server: string }): boolean {
  return view.machines[machine]?.servers[server] !== undefined;
}

function stopped(view: WorkspaceView): TroupeError {
  const why = view.failure?.message ?? view.stopReason?.message ?? "it was not started";
  return new TroupeError("WAIT_FAILED", `Workspace "${view.name}" is STOPPED: ${why}`, {
    details: { failure: view.failure, stopReason: view.stopReason },
  });
}
