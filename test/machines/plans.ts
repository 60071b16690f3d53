/** Small plans for charts: what a test does not say is as short or as plain as it can be. */
import type { Exit, Failure } from "../../machines/failure.ts";
import type { InstallerPlan } from "../../machines/installer.ts";
import type { MachinePlan } from "../../machines/machine.ts";
import type { RestartPolicy } from "../../machines/restart.ts";
import type { ServerPlan } from "../../machines/server.ts";
import type { Run, WorkspacePlan } from "../../machines/workspace.ts";

export { newMachine } from "../../machines/machine.ts";

export const restart: RestartPolicy = {
  restart: "transient",
  maxRestarts: 3,
  withinMs: 60_000,
  backoffMs: 100,
  maxBackoffMs: 10_000,
};

/** Every budget its own number, so that a failure shows which one was used up. */
const machineBudgets: MachinePlan["budgets"] = {
  waitMs: 1_001,
  imageMs: 1_002,
  createMs: 1_003,
  bootMs: 1_004,
  installMs: 1_005,
  checkMs: 1_006,
  awayMs: 1_007,
  stopMs: 1_008,
  killMs: 1_009,
  removeMs: 1_010,
};

const workspaceBudgets: WorkspacePlan["budgets"] = {
  queuedMs: 2_001,
  prepareMs: 2_002,
  launchMs: 2_003,
  initializeMs: 2_004,
  interruptedMs: 2_005,
  settleMs: 2_006,
  haltMs: 2_007,
  destroyMs: 2_008,
  observeMs: 2_009,
};

export interface MachineSketch {
  readonly dependsOn?: MachinePlan["dependsOn"];
  /** Ids; or more of a plan. */
  readonly installers?: readonly (string | (Partial<InstallerPlan> & { readonly id: string }))[];
  /** Names; or more of a plan. */
  readonly servers?: readonly (string | (Partial<ServerPlan> & { readonly name: string }))[];
  readonly restart?: Partial<RestartPolicy>;
}

export function machinePlan(machine: string, sketch: MachineSketch = {}): MachinePlan {
  const { dependsOn = {}, installers = [], servers = [] } = sketch;
  return {
    machine,
    dependsOn,
    installers: installers.map((one) => installerPlan(machine, typeof one === "string" ? { id: one } : one)),
    servers: servers.map((one) => serverPlan(machine, typeof one === "string" ? { name: one } : one)),
    restart: { ...restart, ...sketch.restart },
    budgets: machineBudgets,
  };
}

export function installerPlan(machine: string, plan: Partial<InstallerPlan> & { readonly id: string }): InstallerPlan {
  return { machine, version: "1.0.0", servers: [], timeoutMs: 3_001, checkMs: 3_002, ...plan };
}

export function serverPlan(machine: string, plan: Partial<ServerPlan> & { readonly name: string }): ServerPlan {
  return {
    machine,
    readinessBudgetMs: 4_001,
    readinessSuccesses: 1,
    livenessFailures: 3,
    livenessSuccesses: 1,
    ...plan,
  };
}

export function workspacePlan(
  machines: Readonly<Record<string, MachineSketch>>,
  strategy: Partial<WorkspacePlan["strategy"]> = {},
): WorkspacePlan {
  return {
    machines: Object.fromEntries(
      Object.entries(machines).map(([name, sketch]): [string, MachinePlan] => [name, machinePlan(name, sketch)]),
    ),
    strategy: { onFailure: "stop-workspace", maxRestarts: 2, withinMs: 60_000, ...strategy },
    budgets: workspaceBudgets,
  };
}

export function runOf(instanceId: string, plan: WorkspacePlan): Run {
  return { instanceId, plan };
}

export function exitOf(code: number | null, at = 0, more: Partial<Exit> = {}): Exit {
  return { code, signal: null, oomKilled: false, at, ...more };
}

/** What a port rejects with, as `machines/failure.ts` reads it. */
export function portFailure(code: string, more: Partial<Failure> = {}): Partial<Failure> {
  return { class: "infrastructure", code, message: `It failed with ${code}`, at: 0, ...more };
}
