import { TroupeError } from "../errors.ts";
import type { WorkspaceView } from "../model/workspace.ts";
import type { WaitCondition } from "./api.ts";

/** Whether a condition holds, may still come true, or cannot any more. Pure. */
export function verdict(view: WorkspaceView, condition: WaitCondition): "holds" | "waits" | TroupeError {
  const isStopped = view.status === "STOPPED" && view.nextInstanceId === null;
  switch (condition.for) {
    case "stopped":
      return isStopped ? "holds" : "waits";
    case "running":
      if (view.status === "RUNNING") return "holds";
      return isStopped ? failed(view) : "waits";
    case "server": {
      const machine = view.machines[condition.machine];
      if (view.instanceId !== null && machine?.servers[condition.server] === undefined) {
        return new TroupeError(
          "NOT_FOUND",
          `Workspace "${view.name}" has no server "${condition.server}" in a machine "${condition.machine}"`,
        );
      }
      if (machine?.servers[condition.server]?.status === condition.status) return "holds";
      return isStopped ? failed(view) : "waits";
    }
  }
}

function failed(view: WorkspaceView): TroupeError {
  const why = view.failure?.message ?? view.stopReason?.message ?? "it was not started";
  return new TroupeError("WAIT_FAILED", `Workspace "${view.name}" is STOPPED: ${why}`, {
    details: { failure: view.failure, stopReason: view.stopReason },
  });
}
