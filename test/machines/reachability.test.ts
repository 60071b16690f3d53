import { describe, expect, test } from "vitest";
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type EventObject,
  fromCallback,
  initialTransition,
  transition,
} from "xstate";
import { stateName } from "../../machines/failure.ts";
import { installerLogic } from "../../machines/installer.ts";
import { machineLogic } from "../../machines/machine.ts";
import { serverLogic } from "../../machines/server.ts";
import { workspaceLogic } from "../../machines/workspace.ts";
import { hasTag, isLeaf, statesOf, transitionsOf } from "./charts.ts";
import {
  exitOf,
  installerPlan,
  machinePlan,
  newMachine,
  portFailure,
  runOf,
  serverPlan,
  workspacePlan,
} from "./plans.ts";

const inbox = createActor(fromCallback(() => {}));
const failure = { ...portFailure("MACHINE_EXITED"), source: { kind: "machine", machine: "db" } };
const run = runOf("i-1", workspacePlan({ db: {}, web: {} }, { onFailure: "one-for-all", maxRestarts: 1 }));
const recovered = { run, isForced: false, stopReason: null, failure: null, relaunches: [], next: null };
const installers = [installerPlan("web", { id: "agent" })];
const servers = [serverPlan("web", { name: "http" })];
const machine = { ...machinePlan("web", { restart: { maxRestarts: 1 } }), installers, servers };

interface Walk {
  readonly chart: AnyStateMachine;
  readonly inputs: readonly object[];
  /** What comes from outside. The outcomes of ports and the ends of delays are read off the chart. */
  readonly events: readonly EventObject[];
  /** What ports give where it matters, by id. */
  readonly outputs: Readonly<Record<string, readonly unknown[]>>;
  /** What tells two snapshots apart besides their states; nothing that counts without end. */
  projection(context: AnyMachineSnapshot["context"]): unknown;
  /** What must be heard wherever the chart is. */
  readonly commands: readonly EventObject[];
}

const stop = { type: "workspace.stop", reason: { by: "user", message: "Asked to" }, force: false };

const walks: readonly Walk[] = [
  {
    chart: workspaceLogic,
    inputs: [
      { workspaceId: "ws-1", recovered: null },
      ...["starting", "relaunching", "running", "stopping"].map((was) => ({
        workspaceId: "ws-1",
        recovered: { ...recovered, was, stopReason: was === "stopping" ? stop.reason : null },
      })),
    ],
    events: [
      { type: "workspace.start", run } as EventObject,
      stop,
      ...["booted", "ready", "away", "stopped", "completed", "failed"].flatMap((what) =>
        ["db", "web"].flatMap((name) =>
          [false, true].map((isLeft) => ({ type: `machine.${what}`, machine: name, failure, isLeft })),
        ),
      ),
    ],
    outputs: { observe: [{ machines: {} }], destroy: [{ left: 0 }, { left: 1 }] },
    projection: ({ progress, isForced, next, stopReason }) => [progress, isForced, next !== null, stopReason !== null],
    commands: [{ type: "workspace.start", run } as EventObject, stop],
  },
  {
    chart: machineLogic,
    inputs: [
      newMachine,
      { ...newMachine, was: "ready", is: "running" },
      { ...newMachine, was: "failed" },
      { ...newMachine, was: "failed", is: "running" },
    ].map((found) => ({ instanceId: "i-1", plan: machine, found, inbox })),
    events: [
      { type: "machine.start" },
      { type: "machine.stop" },
      { type: "machine.kill" },
      ...[0, 1].map((code) => ({ type: "watch.exited", exit: exitOf(code, 5), at: 5, lastLines: [] })),
      { type: "watch.away" },
      { type: "watch.back" },
      { type: "installer.done", id: "agent" } as EventObject,
      { type: "installer.failed", failure } as EventObject,
      { type: "server.ready", name: "http" } as EventObject,
      { type: "server.unready", failure } as EventObject,
    ],
    outputs: { bootMachine: [{ urls: {}, attributes: {} }] },
    projection: ({ turn, readyServers, everReady, outcome, crashes }) => [
      turn,
      readyServers,
      everReady,
      outcome,
      crashes.length,
    ],
    commands: [{ type: "machine.stop" }, { type: "machine.kill" }],
  },
  {
    chart: installerLogic,
    inputs: [false, true].map((isDone) => ({ instanceId: "i-1", plan: installers[0], isDone, inbox })),
    events: [{ type: "installer.run" }, { type: "installer.interrupt" }],
    outputs: { runScript: [0, 1].map((code) => ({ exit: exitOf(code), lastLines: [] })) },
    projection: () => null,
    commands: [{ type: "installer.interrupt" }],
  },
  {
    chart: serverLogic,
    inputs: ["unknown", "running", "stopped"].map((found) => ({
      instanceId: "i-1",
      plan: servers[0],
      url: null,
      found,
      inbox,
    })),
    events: ["server.check", "server.end", "probe.answered", "probe.missed"].map((type) => ({ type, message: "" })),
    outputs: {},
    projection: ({ streak }) => streak,
    commands: [{ type: "server.end" }],
  },
];

/** What the invocations and delays of a snapshot may bring about: read off the chart, so that none is forgotten. */
function outcomesIn({ _nodes: nodes }: AnyMachineSnapshot, { outputs }: Walk): EventObject[] {
  return nodes
    .flatMap(transitionsOf)
    .flatMap(({ eventType: type }): (EventObject & { output?: unknown; error?: unknown })[] => {
      const [, outcome, id = ""] = /^xstate\.(done|error|after)\.(?:actor\.)?(.+)$/.exec(type) ?? [];
      if (outcome === undefined) return [];
      if (outcome === "error") return [{ type, error: portFailure("DEADLINE_EXCEEDED") }];
      return (outcome === "done" ? (outputs[id] ?? [undefined]) : [undefined]).map((output) => ({ type, output }));
    });
}

/**
 * Every snapshot that the chart may come to, one for each that differs in what matters.
 *
 * A walk of our own: `xstate/graph` gives actions a `self` that has no children, and ours ask after theirs.
 */
function snapshotsOf(walk: Walk): AnyMachineSnapshot[] {
  const found = new Map<string, AnyMachineSnapshot>();
  let frontier = walk.inputs.map((input) => initialTransition(walk.chart, input as never)[0]);
  while (frontier.length > 0) {
    const fresh = frontier.filter((snapshot) => {
      const key = JSON.stringify([snapshot.status, snapshot.value, walk.projection(snapshot.context)]);
      return !found.has(key) && found.set(key, snapshot);
    });
    const active = fresh.filter(({ status }) => status === "active");
    frontier = active.flatMap((snapshot) =>
      [...walk.events, ...outcomesIn(snapshot, walk)].map((event) => transition(walk.chart, snapshot, event)[0]),
    );
  }
  return [...found.values()];
}

describe.each(walks.map((walk) => ({ id: walk.chart.id, walk })))("the chart of the $id", ({ walk }) => {
  const { chart, commands } = walk;
  const snapshots = snapshotsOf(walk);
  const active = snapshots.filter(({ status }) => status === "active");

  test("comes to every one of its states", () => {
    const reached = new Set(snapshots.flatMap(({ _nodes }) => _nodes.map(({ id }) => id)));
    const states = statesOf(chart).filter(({ node }) => isLeaf(node) && !hasTag(node, "transient"));

    expect(states.filter(({ node }) => !reached.has(node.id)).map(({ state }) => state)).toEqual([]);
  });

  test("never fails, whatever happens in whatever order", () => {
    expect(snapshots.filter(({ status }) => status === "error").map(({ error }) => error)).toEqual([]);
  });

  test("shows exactly one status wherever it is, and never a state that is only passed through", () => {
    const behaviour = new Set(["busy", "away"]);
    const wrong = snapshots.filter(({ tags }) => [...tags].filter((tag) => !behaviour.has(tag)).length !== 1);

    expect(wrong.map(({ value, tags }) => `${stateName(value)}: ${[...tags].join(", ")}`)).toEqual([]);
    expect(snapshots.filter(({ tags }) => tags.has("transient"))).toEqual([]);
  });

  test.each(commands)("hears $type wherever it is", (command) => {
    const deaf = active.filter((snapshot) => chart.getTransitionData(snapshot, command)?.length === 0);

    expect(deaf.map(({ value }) => stateName(value))).toEqual([]);
  });
});
