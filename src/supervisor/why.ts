/** Says why a workspace is as it is: which actor it is about, what that waits for or failed at. Pure. */
import type { Failure } from "../../machines/failure.ts";
import type { ActorView, MachineView, WorkspaceView } from "../model/workspace.ts";
import type { Why } from "./api.ts";

type Link = Why["chain"][number];

/** The part of the answer that the view alone gives. `leaf` names where to read the last lines. */
export function explain(
  workspace: WorkspaceView,
  now: number,
): Pick<Why, "summary" | "chain"> & { leaf: { machine: string; installer: string | null } | null } {
  const links = chainOf(workspace);
  const leaf = links.at(-1);
  const chain = links.map(
    ({ actor, view, message }): Link => ({
      actor,
      state: view.state,
      message,
      elapsedMs: Math.max(0, now - view.since),
      budgetMs: view.budgetMs,
    }),
  );
  const last = chain.at(-1);
  const budget =
    last !== undefined && last.budgetMs !== null && workspace.failure === null
      ? ` (${seconds(last.elapsedMs)} of ${seconds(last.budgetMs)})`
      : "";
  const about = last === undefined ? "" : `: ${last.message}${budget}`;
  return {
    summary: `"${workspace.name}" is ${workspace.status}${about}`,
    chain,
    leaf: leaf?.stream ?? null,
  };
}

interface Step {
  readonly actor: string;
  readonly view: ActorView;
  readonly message: string;
  readonly stream: { readonly machine: string; readonly installer: string | null } | null;
}

function chainOf(workspace: WorkspaceView): Step[] {
  const own: Step = { actor: "workspace", view: workspace, message: aboutWorkspace(workspace), stream: null };
  if (workspace.failure !== null && workspace.failure.source.kind !== "workspace") {
    const { machine } = workspace.failure.source;
    const view = workspace.machines[machine];
    return view === undefined ? [own] : [own, ...failedSteps(machine, view, workspace.failure)];
  }
  const waiting = Object.entries(workspace.machines).find(([, { deadlineAt, status }]) => {
    return workspace.status !== "STOPPED" && (deadlineAt !== null || status === "FAILED" || status === "STARTING");
  });
  return waiting === undefined ? [own] : [own, ...waitingSteps(...waiting)];
}

function failedSteps(machine: string, view: MachineView, failure: Failure): Step[] {
  const step: Step = {
    actor: `machine ${machine}`,
    view,
    message: failure.message,
    stream: { machine, installer: null },
  };
  const { source } = failure;
  if (source.kind === "installer") {
    const installer = view.installers[source.name];
    if (installer !== undefined) {
      return [
        step,
        {
          actor: `installer ${source.name}`,
          view: installer,
          message: failure.message,
          stream: { machine, installer: source.name },
        },
      ];
    }
  }
  if (source.kind === "server") {
    const server = view.servers[source.name];
    if (server !== undefined) {
      return [
        step,
        {
          actor: `server ${source.name}`,
          view: server,
          message: failure.message,
          stream: { machine, installer: null },
        },
      ];
    }
  }
  return [step];
}

function waitingSteps(machine: string, view: MachineView): Step[] {
  const stream = { machine, installer: null };
  const step: Step = { actor: `machine ${machine}`, view, message: `machine "${machine}" is ${view.state}`, stream };
  const installer = Object.entries(view.installers).find(([, { status }]) => status === "RUNNING");
  if (installer !== undefined) {
    const [id, about] = installer;
    return [
      step,
      {
        actor: `installer ${id}`,
        view: about,
        message: `machine "${machine}" waits for installer "${id}"`,
        stream: { machine, installer: id },
      },
    ];
  }
  const server = Object.entries(view.servers).find(([, { state }]) => state === "checking");
  if (server !== undefined) {
    const [name, about] = server;
    const probe = about.lastProbe === null ? "" : `: ${about.lastProbe}`;
    return [
      step,
      {
        actor: `server ${name}`,
        view: about,
        message: `machine "${machine}" waits for server "${name}"${probe}`,
        stream,
      },
    ];
  }
  return [step];
}

function aboutWorkspace({ failure, stopReason, state, status, instanceId }: WorkspaceView): string {
  if (failure !== null) return failure.message;
  if (instanceId === null) return "it was never started";
  if ((status === "STOPPED" || status === "STOPPING") && stopReason !== null) {
    return `${stopReason.message} (by ${stopReason.by})`;
  }
  return status === "RUNNING" && state === "running.steady" ? "all machines are ready" : `it is ${state}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
