/** Scripts for property tests. Needs fast-check. */
import fc from "fast-check";
import type { Operation } from "../../infrastructure/simulated/index.ts";
import type { DependencyCondition } from "../../model/environment.ts";
import type { Doom } from "../mortal-process.ts";
import { workspaceOf } from "../workspace-of.ts";
import type { ChartConfig, ChartStep, FaultStep, Script, SupervisorConfig, SupervisorStep } from "./script.ts";

const machineNames = ["db", "web"] as const;

const operations: readonly Operation[] = [
  "prepare",
  "fetchImage",
  "createMachine",
  "startMachine",
  "stopMachine",
  "removeMachine",
  "put",
  "exec",
  "output",
  "watch",
  "probe",
  "observe",
  "identities",
  "destroy",
  "removeVolumes",
];

/** Times at which something happens, and their neighbours: the restart's back-off, the probes' periods, the fence, the graces. */
const waits = [0, 5, 10, 100, 249, 250, 251, 500, 1_000, 2_000, 5_000, 5_001, 10_000, 15_000, 30_000, 60_000];

/** Beyond the longer budgets. Whatever is probed meanwhile takes its time here too, so they are rare. */
const longWaits = [185_000, 300_001, 660_000, 2_000_000];

const steps: fc.Arbitrary<SupervisorStep> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.constantFrom(...waits) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait"), ms: fc.constantFrom(...longWaits) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("settle"), pick: fc.nat({ max: 7 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("start"), of: place() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("stop"), of: place(), force: often(false) }) },
  { weight: 3, arbitrary: ofMachine("exit", { code: fc.constantFrom(1, 0, "oom") }) },
  { weight: 2, arbitrary: ofMachine("connection", { is: fc.constantFrom("lost", "found") }) },
  { weight: 1, arbitrary: ofMachine("jam", { isJammed: fc.boolean() }) },
  { weight: 2, arbitrary: ofMachine("serve", { answers: fc.boolean() }) },
  { weight: 1, arbitrary: ofMachine("flood", { lines: fc.constantFrom(1, 500) }) },
  { weight: 6, arbitrary: faults() },
  { weight: 3, arbitrary: kills() },
  { weight: 1, arbitrary: fc.constant<SupervisorStep>({ do: "suspend" }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete"), of: place() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("nonsense"), what: fc.constantFrom("config", "environment", "workspace") }),
  },
  { weight: 1, arbitrary: fc.constant<SupervisorStep>({ do: "read" }) },
  { weight: 1, arbitrary: fc.constant<SupervisorStep>({ do: "resubscribe" }) },
) as fc.Arbitrary<SupervisorStep>;

/** A port that several workspaces want. */
const TAKEN_BY_ALL = 7_000;

/** What takes several steps to come about, and would seldom do so by chance: a process that dies while machines start again. */
const scenes: fc.Arbitrary<readonly SupervisorStep[]> = fc
  .tuple(place(), fc.constantFrom(...machineNames), kills(), fc.constantFrom(0, 100, 1_000), steps)
  .map(([of, machine, kill, ms, last]) => [
    { do: "start", of },
    { do: "wait", ms: 1_000 },
    kill,
    { do: "exit", of, machine, code: 1 },
    { do: "wait", ms },
    last,
  ]);

const machines = fc.record(
  {
    /** With the chance that it is the first machine's end that is waited for. */
    command: fc.constantFrom(["idle"], ["idle"], ["stubborn"], ["exit", "0", "50"], ["exit", "1", "700"]),
    dependsOn: fc.constantFrom<DependencyCondition>("started", "healthy", "completed"),
    installers: fc.constantFrom(
      [{ id: "agent", version: "1.0.0", script: "true" }],
      [
        { id: "agent", version: "1.0.0", script: "true" },
        { id: "editor", version: "1.0.0", script: "true" },
      ],
      [{ id: "agent", version: "1.0.0", script: "true", servers: { http: { port: "auto", protocol: "http" } } }],
    ),
    servers: fc.constantFrom(
      { tcp: { port: "auto", protocol: "tcp" } },
      { tcp: { port: TAKEN_BY_ALL, protocol: "tcp" } },
      {
        tcp: {
          port: "auto",
          protocol: "tcp",
          readiness: { successThreshold: 2, budgetMs: 2_000 },
          liveness: { failureThreshold: 1 },
        },
      },
    ),
    restart: fc.record(
      {
        policy: fc.constantFrom("permanent", "transient", "temporary"),
        maxRestarts: fc.constantFrom(0, 1, 3),
        backoffMs: fc.constantFrom(1, 250),
      },
      { requiredKeys: [] },
    ),
    graceMs: fc.constantFrom(0, 1_000),
    volumes: fc.constant({ data: {} }),
  },
  { requiredKeys: [] },
);

const workspaces: fc.Arbitrary<WorkspaceSketch> = fc
  .record({
    machines: fc.array(machines, { minLength: 1, maxLength: machineNames.length }),
    onFailure: fc.constantFrom("stop-workspace", "one-for-one", "one-for-all"),
  })
  .filter(isAcceptable);

const configs: fc.Arbitrary<SupervisorConfig> = fc
  .record({
    workspaces: fc.array(workspaces, { minLength: 1, maxLength: 2 }),
    concurrentStarts: fc.constantFrom(1, 8),
    longestOperationMs: fc.constantFrom(0, 10, 2_000),
    ending: fc.constantFrom("stopped" as const, "running" as const),
  })
  .map(({ workspaces: sketches, ending, ...rest }) => ({
    subject: "supervisor",
    ...rest,
    workspaces: sketches.map(workspaceFrom),
    ending: canAllRun(sketches) ? ending : "stopped",
  }));

/**
 * Stories about a supervisor, one or two workspaces and one or two machines in each. They shrink to fewer steps, fewer
 * machines, shorter times and the order in which things were begun.
 */
export const supervisorScripts: fc.Arbitrary<Script & { readonly config: SupervisorConfig }> = fc.record({
  format: fc.constant("troupe-script"),
  version: fc.constant(1),
  seed: fc.nat(),
  config: configs,
  steps: fc
    .array(fc.oneof({ weight: 12, arbitrary: steps.map((step) => [step]) }, { weight: 1, arbitrary: scenes }), {
      maxLength: 25,
      size: "max",
    })
    .map((all) => all.flat()),
});

const chartSteps: fc.Arbitrary<ChartStep> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("command"), command: fc.constantFrom("start", "start", "stop", "kill") }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("port"),
      pick: fc.nat({ max: 3 }),
      outcome: fc.constantFrom("done", "done", "done", "failed"),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("fact"), fact: fc.constantFrom("exit 1", "exit 0", "away", "back") }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("probe"), pick: fc.nat({ max: 1 }), passed: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("pass"),
      ms: fc.constantFrom(0, 1, 250, 1_000, 10_000, 20_000, 130_000, 700_000),
    }),
  },
) as fc.Arbitrary<ChartStep>;

/** Stories about the chart of one machine alone, begun or found again. */
export const machineScripts: fc.Arbitrary<Script & { readonly config: ChartConfig }> = fc.record({
  format: fc.constant("troupe-script"),
  version: fc.constant(1),
  seed: fc.nat(),
  config: fc.record({
    subject: fc.constant("machine"),
    installers: fc.nat({ max: 2 }),
    servers: fc.nat({ max: 2 }),
    restart: fc.constantFrom("permanent", "transient", "temporary"),
    maxRestarts: fc.nat({ max: 2 }),
    was: fc.constantFrom("new", "new", "new", "starting", "ready", "completed", "failed", "stopped"),
    is: fc.constantFrom("absent", "created", "running", "exited"),
  }),
  steps: fc.array(chartSteps, { maxLength: 30, size: "max" }),
});

/** Both: mostly whole supervisors, and charts alone, which come to where a supervisor seldom does. */
export const scripts: fc.Arbitrary<Script> = fc.oneof(
  { weight: 4, arbitrary: supervisorScripts },
  { weight: 1, arbitrary: machineScripts },
);

function workspaceFrom({ machines: sketches, onFailure }: WorkspaceSketch, place: number): object {
  const [first] = sketches;
  const entries = sketches.map(({ dependsOn, ...machine }, index) => {
    if (index === 0 || dependsOn === undefined) return [machineNames[index], machine] as const;
    // Who waits for a machine that is always restarted to be completed waits for ever, and is not accepted.
    const isEndless = dependsOn === "completed" && first?.restart?.policy === "permanent";
    return [
      machineNames[index],
      { ...machine, dependsOn: { [machineNames[0]]: isEndless ? "started" : dependsOn } },
    ] as const;
  });
  return workspaceOf(`w${place}`, Object.fromEntries(entries), { onFailure });
}

/** Whether nothing ends by itself, waits for that, or wants a port that another has. */
function canAllRun(sketches: readonly WorkspaceSketch[]): boolean {
  const all = sketches.flatMap(({ machines: own }) => own);
  const isLasting = all.every(({ command, dependsOn }) => command?.[0] !== "exit" && dependsOn !== "completed");
  return isLasting && all.filter(hasTakenPort).length <= 1;
}

/** Two of them in one workspace would not even be accepted. */
function isAcceptable({ machines: own }: WorkspaceSketch): boolean {
  return own.filter(hasTakenPort).length <= 1;
}

function hasTakenPort({ servers }: MachineSketch): boolean {
  return servers?.tcp.port === TAKEN_BY_ALL;
}

interface MachineSketch {
  readonly command?: readonly string[];
  readonly dependsOn?: DependencyCondition;
  readonly servers?: { readonly tcp: { readonly port: number | string } };
  readonly restart?: { readonly policy?: string };
}

interface WorkspaceSketch {
  readonly machines: readonly MachineSketch[];
  readonly onFailure: string;
}

function faults(): fc.Arbitrary<FaultStep> {
  return fc
    .record(
      {
        do: fc.constant("fault" as const),
        operation: fc.constantFrom(...operations),
        machine: fc.constantFrom(...machineNames),
        times: fc.constantFrom(1, 2, 5),
        delayMs: fc.constantFrom(0, 1, 1_000, 20_000, 700_000, "forever" as const),
        error: fc.constantFrom("infrastructure" as const, "validation" as const, "internal" as const),
        afterEffect: fc.boolean(),
        inPart: fc.boolean(),
        onAbort: fc.constantFrom("stop" as const, "late" as const, "deaf" as const),
        lies: fc.boolean(),
        reports: fc.constantFrom("twice" as const, "swapped" as const, "broken" as const),
      },
      { requiredKeys: ["do", "operation"] },
    )
    .map(sensible);
}

/** Without what does not apply: a fault that does nothing is a waste of a step. */
function sensible({ machine, lies, reports, inPart, afterEffect, ...fault }: FaultStep): FaultStep {
  const { operation, error } = fault;
  const isOfMachine = !["prepare", "observe", "identities", "destroy", "probe", "removeVolumes"].includes(operation);
  return {
    ...fault,
    ...(isOfMachine && machine !== undefined ? { machine } : {}),
    ...(lies && (operation === "observe" || operation === "identities") ? { lies } : {}),
    ...(reports !== undefined && operation === "watch" ? { reports } : {}),
    ...(error !== undefined && afterEffect ? { afterEffect } : {}),
    ...(error !== undefined && inPart && (operation === "prepare" || operation === "destroy") ? { inPart } : {}),
  };
}

function kills(): fc.Arbitrary<SupervisorStep> {
  const when = fc.constantFrom("before" as const, "after" as const);
  const doom: fc.Arbitrary<Doom> = fc.record({ write: fc.integer({ min: 1, max: 12 }), when });
  const kill = {
    do: fc.constant("kill" as const),
    doom: fc.option<Doom>(doom),
    downMs: fc.constantFrom(0, 0, 1_000, 400_000),
  };
  return fc.record(kill);
}

function place(): fc.Arbitrary<number> {
  return fc.constantFrom(0, 0, 0, 1);
}

function often<Value>(value: Value): fc.Arbitrary<Value | true> {
  return fc.constantFrom(value, value, value, true as const);
}

function ofMachine(verb: string, rest: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> {
  return fc.record({ do: fc.constant(verb), of: place(), machine: fc.constantFrom(...machineNames), ...rest });
}
