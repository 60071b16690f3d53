/** What the charts must know of an environment: names, order, thresholds, budgets. Nothing about how work is done. */
import type { InstallerPlan } from "../../machines/installer.ts";
import type { MachineBudgets, MachinePlan } from "../../machines/machine.ts";
import type { ServerPlan } from "../../machines/server.ts";
import type { WorkspacePlan } from "../../machines/workspace.ts";
import type { Environment, MachineSpec } from "../model/environment.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Pulling or building an image is the longest of all: Che gives a build 8 minutes, a slow link needs more. */
const IMAGE_MS = 10 * MINUTE;
const CREATE_MS = MINUTE;
const BOOT_MS = MINUTE;
/** What Che allows for all installers of a machine (its `AbstractBootstrapper`). */
const INSTALL_MS = 10 * MINUTE;
/** A connection that is lost for this long is not coming back by itself. */
const AWAY_MS = 5 * MINUTE;
/** SIGKILL takes effect within milliseconds, unless the process hangs in the kernel: nothing helps then but the leak ledger. */
const KILL_MS = 10 * SECOND;
const REMOVE_MS = 15 * SECOND;
/** What an infrastructure may need on top of the grace to find that a machine has ended. */
const STOP_MARGIN_MS = 5 * SECOND;
/** Che's `server-check-period`. */
const SERVER_CHECK_MS = 3 * SECOND;
/** Starts wait for one another; half an hour in the queue means that nothing moves. */
const QUEUED_MS = 30 * MINUTE;
const PREPARE_MS = 10 * MINUTE;
const SETTLE_MS = 10 * SECOND;
const DESTROY_MS = 30 * SECOND;
/** An engine that is being upgraded is away for minutes: its workspaces wait for it. */
const OBSERVE_MS = 10 * MINUTE;

export function planOf(environment: Environment): WorkspacePlan {
  const specs = Object.values(environment.machines);
  const launchMs = longestChain(environment, (spec) => IMAGE_MS + CREATE_MS + BOOT_MS + readyMs(spec));
  const machines = Object.fromEntries(specs.map((spec) => [spec.name, machinePlan(spec, launchMs)]));
  return {
    machines,
    strategy: environment.strategy,
    budgets: {
      queuedMs: QUEUED_MS,
      prepareMs: PREPARE_MS,
      launchMs,
      initializeMs: Math.max(...specs.map(readyMs)),
      interruptedMs: launchMs + AWAY_MS,
      settleMs: SETTLE_MS,
      haltMs: longestChain(environment, (spec) => stopMs(spec) + KILL_MS + REMOVE_MS),
      destroyMs: DESTROY_MS,
      observeMs: OBSERVE_MS,
    },
  };
}

/** @param waitMs the longest that others may take which come first: at most what all take together */
function machinePlan(spec: MachineSpec, waitMs: number): MachinePlan {
  const budgets: MachineBudgets = {
    waitMs,
    imageMs: IMAGE_MS,
    createMs: CREATE_MS,
    bootMs: BOOT_MS,
    installMs: installMs(spec),
    checkMs: checkMs(spec),
    awayMs: AWAY_MS,
    stopMs: stopMs(spec),
    killMs: KILL_MS,
    removeMs: REMOVE_MS,
  };
  return {
    machine: spec.name,
    dependsOn: spec.dependsOn,
    installers: spec.installers.map((installer) => installerPlan(spec.name, installer)),
    servers: Object.values(spec.servers).map((server) => serverPlan(spec.name, server)),
    restart: spec.restart,
    budgets,
  };
}

function installerPlan(
  machine: string,
  { id, version, servers, timeoutMs }: MachineSpec["installers"][number],
): InstallerPlan {
  return { machine, id, version, servers, timeoutMs, checkMs: SERVER_CHECK_MS };
}

function serverPlan(machine: string, { name, readiness, liveness }: MachineSpec["servers"][string]): ServerPlan {
  return {
    machine,
    name,
    readinessBudgetMs: readiness.budgetMs,
    readinessSuccesses: readiness.successThreshold,
    livenessFailures: liveness.failureThreshold,
    livenessSuccesses: liveness.successThreshold,
  };
}

function readyMs(spec: MachineSpec): number {
  return installMs(spec) + checkMs(spec);
}

/** Each installer keeps its own budget; the sum is a net below them. */
function installMs(spec: MachineSpec): number {
  const sum = spec.installers.reduce((total, { timeoutMs }) => total + timeoutMs, 0);
  return Math.max(INSTALL_MS, sum + STOP_MARGIN_MS);
}

/** Servers get ready side by side, each within its own budget; the longest, with a margin, is a net below them. */
function checkMs(spec: MachineSpec): number {
  return Math.max(0, ...Object.values(spec.servers).map(({ readiness }) => readiness.budgetMs)) + STOP_MARGIN_MS;
}

function stopMs(spec: MachineSpec): number {
  return spec.graceMs + STOP_MARGIN_MS;
}

/** The longest way along dependencies, each machine weighed by `weigh`. Dependencies have no cycle: validation saw to it. */
function longestChain({ machines }: Environment, weigh: (spec: MachineSpec) => number): number {
  const known = new Map<string, number>();
  const chainTo = (name: string): number => {
    const spec = machines[name];
    if (spec === undefined) return 0;
    const cached = known.get(name);
    if (cached !== undefined) return cached;
    const length = weigh(spec) + Math.max(0, ...Object.keys(spec.dependsOn).map(chainTo));
    known.set(name, length);
    return length;
  };
  return Math.max(0, ...Object.keys(machines).map(chainTo));
}
