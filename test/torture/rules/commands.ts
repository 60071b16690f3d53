/** What was acknowledged is done, and stays done. */
import type { InstanceRow, WorkspaceRow } from "../../../src/journal/spi.ts";
import type { WorkspaceView } from "../../../src/model/workspace.ts";
import type { Evidence, Violation } from "../evidence.ts";
import { groupBy } from "../group-by.ts";
import type { Operation, Verb } from "../history.ts";

/** What a command may be refused with, by clients that mean well. All else is a failure of ours. */
const REFUSALS: Readonly<Record<Verb, readonly string[]>> = {
  create: [],
  update: ["WORKSPACE_NOT_FOUND"],
  start: ["WORKSPACE_NOT_FOUND", "WORKSPACE_CONFLICT"],
  stop: ["WORKSPACE_NOT_FOUND"],
  force: ["WORKSPACE_NOT_FOUND"],
  delete: ["WORKSPACE_NOT_FOUND"],
  get: ["WORKSPACE_NOT_FOUND"],
  wait: ["WORKSPACE_NOT_FOUND", "WAIT_TIMEOUT", "WAIT_FAILED"],
};

/** Far more than any command of the clients takes on a busy computer, in milliseconds. */
const LONGEST_MS = 20_000;

/** Everything about one workspace. */
interface Case {
  readonly name: string;
  readonly operations: readonly Operation[];
  /** Those that were acknowledged, with what was answered. */
  readonly told: readonly Told[];
  readonly row: WorkspaceRow | undefined;
  readonly instances: ReadonlyMap<string, InstanceRow>;
}

interface Told {
  readonly operation: Operation;
  readonly view: WorkspaceView | null;
}

/** At every moment. */
export function* commandRules(evidence: Evidence): Generator<Violation> {
  const committed = statesIn(evidence);
  for (const one of casesIn(evidence)) {
    const found = [
      ...outcomes(one),
      ...existence(one),
      ...starts(one),
      ...stops(one),
      ...updates(one),
      ...answers(one, committed),
    ];
    for (const [rule, what] of found) yield { rule, workspace: one.name, what };
  }
}

/** When nothing has been asked for a while, and all is as it will stay. */
export function* commandRulesAtRest(evidence: Evidence): Generator<Violation> {
  for (const one of casesIn(evidence)) {
    for (const [rule, what] of ends(one)) yield { rule, workspace: one.name, what };
  }
}

type Finding = readonly [rule: string, what: string];

function* outcomes({ operations }: Case): Generator<Finding> {
  for (const operation of operations) {
    const { verb, outcome } = operation;
    if (outcome.type === "refused" && !REFUSALS[verb].includes(outcome.code)) {
      yield ["a command fails only for a reason of the caller's", `${textOf(operation)}: ${outcome.message}`];
    }
    const tookMs = operation.endedAt - operation.begunAt;
    if (tookMs > LONGEST_MS && Number.isFinite(tookMs))
      yield ["no command hangs", `${textOf(operation)} after ${Math.round(tookMs)} ms`];
  }
}

function* existence({ operations, told, row }: Case): Generator<Finding> {
  const created = told.find(({ operation }) => operation.verb === "create")?.operation;
  const deletes = operations.filter(({ verb }) => verb === "delete");
  const deleted = told.find(({ operation }) => operation.verb === "delete")?.operation;
  if (created !== undefined && deletes.length === 0 && row === undefined) {
    yield ["an acknowledged create exists", `${textOf(created)}, and it is not in the journal`];
  }
  if (deleted !== undefined && row !== undefined) {
    yield ["an acknowledged delete removes", `${textOf(deleted)}, and it is in the journal`];
  }
  for (const operation of operations) {
    const { outcome, begunAt, endedAt } = operation;
    if (outcome.type === "refused" && outcome.code === "WORKSPACE_NOT_FOUND" && created !== undefined) {
      const mayBeGone = deletes.some((other) => other.begunAt <= endedAt);
      if (created.endedAt < begunAt && !mayBeGone) yield ["what was created is found", textOf(operation)];
    }
    if (outcome.type === "acknowledged" && deleted !== undefined && begunAt > deleted.endedAt) {
      yield ["what was deleted does not come back", textOf(operation)];
    }
  }
}

function* starts({ told, row, instances }: Case): Generator<Finding> {
  if (row === undefined) return;
  for (const { operation, view } of told) {
    if (operation.verb !== "start") continue;
    const instanceId = view?.nextInstanceId ?? view?.instanceId ?? null;
    if (instanceId === null) yield ["an acknowledged start names its instance", textOf(operation)];
    else if (!instances.has(instanceId)) {
      yield ["an acknowledged start has led to an instance", `${textOf(operation)}: ${instanceId}`];
    }
  }
}

function* stops({ told, instances }: Case): Generator<Finding> {
  for (const { operation, view } of stopsIn(told)) {
    const instance = instances.get(view.instanceId ?? "");
    if (instance !== undefined && instance.desired !== "stopped") {
      yield ["an acknowledged stop is wanted for ever", `${textOf(operation)}: ${instance.instanceId}`];
    }
  }
}

function* updates({ told, row }: Case): Generator<Finding> {
  const versions = new Map<number, Told>();
  for (const one of told) {
    const { operation, view } = one;
    if (view === null) continue;
    if (row !== undefined && view.version > row.version) {
      yield ["an acknowledged version is kept", `${textOf(operation)}: version ${view.version} of ${row.version}`];
    }
    if (operation.verb !== "update") continue;
    if (versions.has(view.version)) {
      yield ["no two updates make the same version", `${textOf(operation)}: version ${view.version}`];
    }
    versions.set(view.version, one);
    if (row?.version === view.version && row.attributes["revision"] !== view.attributes["revision"]) {
      yield ["an acknowledged update is kept", `${textOf(operation)}: revision ${view.attributes["revision"]}`];
    }
  }
}

/** An answer shows a state only if it is committed. */
function* answers({ told, row }: Case, committed: ReadonlySet<string>): Generator<Finding> {
  if (row === undefined) return;
  for (const { operation, view } of told) {
    if (view === null || view.instanceId === null) continue;
    if (!committed.has(stateKey(view.instanceId, view.state, view.since))) {
      yield ["what is answered is committed", `${textOf(operation)}: ${view.state} of ${view.instanceId}`];
    }
  }
}

function* ends({ told, operations, row, instances }: Case): Generator<Finding> {
  for (const { operation, view } of stopsIn(told)) {
    const instance = instances.get(view.instanceId ?? "");
    if (instance !== undefined && instance.stoppedAt === null) {
      yield ["an acknowledged stop ends STOPPED", `${textOf(operation)}: ${instance.instanceId}`];
    }
  }
  if (row === undefined) return;
  if (row.deletingSince !== null) yield ["a delete that was begun is finished", "it is still to be deleted"];
  const wanted = wantedAfter(operations);
  if (wanted !== null && row.status !== wanted.status) {
    yield ["the last command decides", `${textOf(wanted.by)}, and it is ${row.status}`];
  }
}

/** What all commands that may have been the last agree on; `null` if they do not, or none of them is known to be done. */
function wantedAfter(operations: readonly Operation[]): { status: string; by: Operation } | null {
  const isAcknowledged = ({ outcome }: Operation) => outcome.type === "acknowledged";
  const commands = operations.filter((one) => wish(one) !== null && one.outcome.type !== "refused");
  const last = commands.filter(
    (one) => !commands.some((other) => isAcknowledged(other) && other.begunAt > one.endedAt),
  );
  const by = last.find(isAcknowledged);
  if (by === undefined || operations.some(({ verb }) => verb === "delete")) return null;
  const status = wish(by);
  return status !== null && last.every((one) => wish(one) === status) ? { status, by } : null;
}

function wish({ verb, outcome }: Operation): "RUNNING" | "STOPPED" | null {
  switch (verb) {
    case "start":
      return "RUNNING";
    case "stop":
    case "force":
      return "STOPPED";
    case "create": // may include a start
      return outcome.type === "acknowledged" && outcome.view?.instanceId !== null ? "RUNNING" : "STOPPED";
    default:
      return null;
  }
}

function stopsIn(told: readonly Told[]): { operation: Operation; view: WorkspaceView }[] {
  return told.flatMap(({ operation, view }) =>
    view !== null && (operation.verb === "stop" || operation.verb === "force") ? [{ operation, view }] : [],
  );
}

function casesIn({ history, journal }: Evidence): Case[] {
  const instances = new Map(journal.instances.map((instance) => [instance.instanceId, instance]));
  const byName = groupBy(history.operations, ({ workspace }) => workspace);
  return [...byName].map(([name, operations]) => ({
    name,
    operations,
    told: operations.flatMap((operation) =>
      operation.outcome.type === "acknowledged" ? [{ operation, view: operation.outcome.view }] : [],
    ),
    row: journal.workspaces.find((row) => row.name === name),
    instances,
  }));
}

function statesIn({ journal }: Evidence): Set<string> {
  return new Set(
    journal.events.flatMap(({ instanceId, source, to, at }) =>
      source.kind === "workspace" && instanceId !== null ? [stateKey(instanceId, to, at)] : [],
    ),
  );
}

function stateKey(instanceId: string, state: string, since: number): string {
  return `${instanceId} ${state} ${since}`;
}

function textOf({ client, verb, begunAt, outcome }: Operation): string {
  return `${client}'s ${verb} of ${new Date(begunAt).toISOString()} was ${outcome.type}`;
}
