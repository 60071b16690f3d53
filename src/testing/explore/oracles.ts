/**
 * The invariants of the design, each a function that finds what breaks it. Pure: they look at a {@link Moment} and at nothing
 * else, and none of them knows how the supervisor does what it does.
 */
import type { Exit } from "../../../machines/failure.ts";
import type { RestartPolicy } from "../../../machines/restart.ts";
import { errorCodes } from "../../errors.ts";
import type { Operation, Violation as Trespass } from "../../infrastructure/simulated/index.ts";
import type { InstanceRow } from "../../journal/spi.ts";
import { sourceKey, type TroupeEvent, type WorkspaceView } from "../../model/workspace.ts";
import { planOf } from "../../supervisor/plan.ts";
import { actorKey } from "./event-log.ts";
import { INJECTED } from "./fault-of.ts";
import type { Command, Moment } from "./moment.ts";
import { type ChartName, hasBudget, leavesOf } from "./transitions.ts";

/** By its number in the design. */
export type Invariant = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

export interface Violation {
  readonly invariant: Invariant;
  readonly message: string;
}

/** What reading the last lines, and answering, may take on top of a budget, in milliseconds. */
const SLACK_MS = 2_000;

/** Something that nobody knows is found by a sweep (once a minute) or a retry (every 15 s), and an attempt may take 30 s. */
const FOUND_WITHIN_MS = 100_000;

/** The first violation, if there is one. */
export function judge(moment: Moment): Violation | null {
  for (const [index, oracle] of oracles.entries()) {
    const [message] = oracle(moment);
    if (message !== undefined) return { invariant: (index + 1) as Invariant, message };
  }
  return null;
}

/** 1. Stop is accepted in every state, and leads to STOPPED within a known time; a second one forces. */
export function alwaysStoppable(moment: Moment): string[] {
  const { commands, instances, now, downMs, boots } = moment;
  const late = commands.flatMap((command) => {
    if (command.kind === "start" || !command.isAccepted) return [];
    const waitedMs = now - command.at - (downMs - command.downMs);
    return command.instances.flatMap((id) => {
      const row = instances.get(id);
      if (row === undefined || row === null || row.stoppedAt !== null) return [];
      const limitMs = stopLimitMs(row, command, boots);
      if (waitedMs <= limitMs) return [];
      return [`Instance ${id} has not stopped ${waitedMs} ms after ${command.kind}, the limit is ${limitMs} ms`];
    });
  });
  return [...late, ...notEnded(moment, "stopped", ({ status }) => status === "STOPPED")];
}

/** 2. Every state that waits has a deadline, an exit for when it ends, and a restart budget that is kept. */
export function everyWaitHasDeadline(moment: Moment): string[] {
  const waits = moment.views.flatMap((view) =>
    actorsOf(view).flatMap(({ chart, key, name, actor }) => {
      if (view.status === "STOPPED" && chart !== "workspace") return []; // its actors end with it
      const isThere = (moment.last.get(actorKey(view.instanceId, key))?.position ?? 0) > moment.bootedAfter;
      if (!isThere) return [];
      const { state, since, deadlineAt, budgetMs } = actor;
      const isLimited = leavesOf(chart, state).some((leaf) => hasBudget(chart, leaf));
      if (!isLimited) return [];
      if (deadlineAt === null || budgetMs === null) return [`${name} waits in ${state} without a deadline`];
      if (deadlineAt > since + budgetMs) return [`${name} has a deadline in ${state} that is later than its budget`];
      const lateMs = moment.now - Math.max(deadlineAt, moment.bootedAt);
      if (lateMs > SLACK_MS) return [`${name} is still in ${state} ${lateMs} ms after its deadline`];
      return [];
    }),
  );
  return [...waits, ...restartBudgets(moment)];
}

/** 3. After STOPPED nothing of the instance is there; what could not be removed is listed, and gone at last. */
export function nothingLeftBehind({ orphans, leaks, world, now, blindUntil, ending, trespasses }: Moment): string[] {
  const listed = new Set(leaks.map(({ instanceId }) => instanceId));
  const forgotten = [...orphans].flatMap(([id, since]) => {
    const lostMs = now - Math.max(since, blindUntil);
    const isBusy = world.underWay.some(({ operation, instanceId }) => operation === "destroy" && instanceId === id);
    if (listed.has(id) || isBusy || lostMs <= FOUND_WITHIN_MS) return [];
    return [`Something of instance ${id} is there ${lostMs} ms after it has ended, and no leak is listed`];
  });
  const isEnd = ending !== null;
  const left = isEnd ? [...orphans.keys()].map((id) => `Something of instance ${id}, which has ended, is left`) : [];
  const leaking = isEnd
    ? leaks.map(({ kind, id, reason }) => `The leak of ${kind} ${id} was not mended: ${reason}`)
    : [];
  return [...forgotten, ...left, ...leaking, ...trespassesOf(trespasses, ["volumes go last"])];
}

/** 4. An accepted command survives; every event has its number; a subscriber gets each later event once, in order. */
export function nothingLostNothingTwice(moment: Moment): string[] {
  const unmet = notEnded(moment, "running", ({ state }) => state === "running.steady");
  return [
    ...numbering(moment),
    ...wishes(moment),
    ...readings(moment),
    ...views(moment),
    ...unmet,
    ...undeleted(moment),
  ];
}

/** 5. The journal holds what is wanted before the work begins. */
export function intentBeforeAction({ calls, trespasses }: Moment): string[] {
  const rash = calls.flatMap(({ operation, instanceId, desired, at, abortedAt }) => {
    if (abortedAt === at) return []; // what is let go of in the step that began it has no effect
    if (desired === null) return [`${operation} was begun for instance ${instanceId}, which is not in the journal`];
    const isRash = desired === "stopped" && !worksInside.includes(operation);
    return isRash ? [`${operation} was begun for instance ${instanceId}, which is to be stopped`] : [];
  });
  const rules: readonly Trespass["rule"][] = [
    "dependencies start first",
    "a machine is started once",
    "an exec id names one command",
  ];
  return [...rash, ...trespassesOf(trespasses, rules)];
}

/** 6. What an old instance does or says does not touch a new one, and nobody believes what did not happen. */
export function oldDoesNotTouchNew({ events, fresh, exits, listed, trespasses }: Moment): string[] {
  const current = new Map<string, string>();
  const old = new Set<string>();
  const found: string[] = [];
  for (const { workspaceId, instanceId, position, source, cause, data } of events) {
    if (instanceId === null) continue;
    const before = current.get(workspaceId);
    if (before !== undefined && before !== instanceId) old.add(before);
    current.set(workspaceId, instanceId);
    if (old.has(instanceId))
      found.push(`Event ${position} is of instance ${instanceId}, which was followed by another`);
    const exit = data["exit"] as Exit | null | undefined;
    if (position <= (events[fresh - 1]?.position ?? 0) || cause !== "watch.exited" || source.kind !== "machine")
      continue;
    if (!exit || (exit.code === null && exit.signal === null)) continue; // it is gone, and nobody claims to have seen how
    const hasEnded = exits.some(
      (one) => one.instanceId === instanceId && one.machine === source.machine && one.exit.at === exit.at,
    );
    if (!hasEnded)
      found.push(`Machine "${source.machine}" of instance ${instanceId} is said to have ended, and has not`);
  }
  const rules: readonly Trespass["rule"][] = [
    "one live instance per workspace",
    "instances keep their workspace",
    "one operation at a time on a machine",
  ];
  const unknown = trespasses.filter(({ olderInstanceId }) => !listed.has(olderInstanceId ?? ""));
  return [...found, ...trespassesOf(unknown, rules)];
}

/** 7. Whoever reads has read everything, however slow the others are. */
export function slowHarmsNobody({ readers, events }: Moment): string[] {
  const last = events.at(-1)?.position ?? 0;
  return readers.flatMap(({ name, isEager, from, events: read }) => {
    if (!isEager) return [];
    const level = read.at(-1)?.position ?? from ?? 0;
    return level >= last ? [] : [`Subscriber "${name}" is at event ${level}, while event ${last} was published`];
  });
}

/** 8. Every failure has a class and a code, says where it happened, and why. */
export function failuresSayWhy({ events, fresh, struck, views: shown }: Moment): string[] {
  const told = events.slice(fresh).flatMap((event) => {
    const { source, to, status, failure, data } = event;
    const reason = data["stopReason"] as { readonly by: string } | null | undefined;
    const hasFailed = (status === "FAILED" && to !== "interrupted") || (to === "stopped" && reason?.by === "failure");
    if (!hasFailed && failure === null) return [];
    const who = `${sourceKey(source)} in ${to}`;
    return failure === null ? [`${who} does not say why it failed`] : mistakesIn(failure, who, struck);
  });
  const silent = shown.flatMap(({ name, status, stopReason, failure }) =>
    status === "STOPPED" && stopReason?.by === "failure" && failure === null
      ? [`Workspace "${name}" was stopped by a failure, and shows none`]
      : [],
  );
  return [...told, ...silent];
}

/** 9. Bad input is refused with every problem and its path, and starts nothing. */
export function badInputStartsNothing({ refusals }: Moment): string[] {
  return refusals.flatMap(({ what, code, paths, traces }) => {
    if (code === null) return [`${what} was accepted`];
    const isVague = code === "CONFIG_INVALID" && (paths.length === 0 || (what === "config" && paths.includes("")));
    return [
      ...(isVague ? [`${what} was refused, and it was not said where it is wrong`] : []),
      ...traces.map((trace) => `${what} was refused with ${code}, and left ${trace}`),
    ];
  });
}

/** In the order of their numbers. */
const oracles: readonly ((moment: Moment) => string[])[] = [
  alwaysStoppable,
  everyWaitHasDeadline,
  nothingLeftBehind,
  nothingLostNothingTwice,
  intentBeforeAction,
  oldDoesNotTouchNew,
  slowHarmsNobody,
  failuresSayWhy,
  badInputStartsNothing,
];

/** Workspaces that were asked to end in a state, with nothing in their way, and have not. */
function notEnded(
  { ending, views: shown, deleting }: Moment,
  wanted: Moment["ending"],
  isThere: (view: WorkspaceView) => boolean,
): string[] {
  if (ending !== wanted) return [];
  return shown
    .filter((view) => !deleting.has(view.id) && (!isThere(view) || view.nextInstanceId !== null))
    .map(
      ({ name, state, failure }) => `Workspace "${name}" is ${state} in the end: ${failure?.message ?? "no failure"}`,
    );
}

function undeleted({ ending, deleting }: Moment): string[] {
  return ending === null ? [] : [...deleting].map((id) => `Workspace ${id} was to be deleted, and is there`);
}

/** The budgets of all states on the way to STOPPED; a forced stop waits for no grace. */
function stopLimitMs({ environment }: InstanceRow, { isForced, boots }: Command, bootsNow: number): number {
  const { budgets, machines } = planOf(environment);
  const { observeMs, settleMs, haltMs, destroyMs } = budgets;
  // A process that comes later has to look first, and does not halt twice: its deadlines are the old ones.
  const lookMs = bootsNow > boots ? observeMs : 0;
  if (!isForced) return observeMs + settleMs + haltMs + destroyMs + SLACK_MS;
  const killMs = Math.max(0, ...Object.values(machines).map(({ budgets: own }) => own.killMs + own.removeMs));
  return lookMs + (lookMs > 0 ? haltMs : 0) + killMs + destroyMs + SLACK_MS;
}

/** At most `maxRestarts` within `withinMs`, and not one less: a machine that may be restarted is. */
function restartBudgets({ events, fresh, instances }: Moment): string[] {
  const restarts = new Map<string, number[]>();
  const found: string[] = [];
  for (const [index, { instanceId, source, from, to, at: toldAt, data, failure }] of events.entries()) {
    if (source.kind !== "machine" || instanceId === null) continue;
    const policy = instances.get(instanceId)?.environment.machines[source.machine]?.restart;
    if (policy === undefined) continue;
    const key = `${instanceId} ${source.machine}`;
    const crashes = (data["crashes"] as readonly number[] | undefined) ?? [];
    // Machines that are all launched again begin anew; one that was found again does not.
    if (from === null && crashes.length === 0) restarts.delete(key);
    const before = restarts.get(key) ?? [];
    // What counts is when it ended, which may be long before somebody saw it.
    const at = failure?.at ?? toldAt;
    if (to === "restarting.killing" && from !== null) {
      restarts.set(key, [...before, at]);
      const counted = [...before, at].filter((time) => at - time < policy.withinMs).length;
      if (index >= fresh && counted > policy.maxRestarts) {
        found.push(`${key} was restarted ${counted} times in ${policy.withinMs} ms, ${policy.maxRestarts} are allowed`);
      }
    }
    if (index >= fresh && gaveUpEarly(policy, { from, to, at, crashes, outcome: data["outcome"] })) {
      found.push(`${key} was given up with ${crashes.length} of ${policy.maxRestarts} restarts used`);
    }
  }
  return found;
}

/** Whether a machine that had been ready is given up although it had restarts left. */
function gaveUpEarly(
  { restart, maxRestarts, withinMs }: RestartPolicy,
  event: { from: string | null; to: string; at: number; crashes: readonly number[]; outcome: unknown },
): boolean {
  const { from, to, at, crashes, outcome } = event;
  if (restart === "temporary" || outcome !== "failed" || to !== "stopping.killing") return false;
  if (from === null || !from.startsWith("running.bootstrap.ready")) return false;
  return crashes.filter((time) => at - time < withinMs).length < maxRestarts;
}

/** Sequences from 1 without holes in each instance and record; positions that only grow. */
function numbering({ events, fresh }: Moment): string[] {
  const last = new Map<string, number>();
  let position = 0;
  for (const [index, event] of events.entries()) {
    const owner = event.instanceId ?? event.workspaceId;
    const expected = (last.get(owner) ?? 0) + 1;
    last.set(owner, event.sequence);
    if (index >= fresh && event.sequence !== expected) {
      return [`Event ${event.position} has sequence ${event.sequence}, and ${expected} comes next`];
    }
    if (event.position <= position) return [`Event ${event.position} comes after event ${position}`];
    position = event.position;
  }
  return [];
}

/** Accepted commands are in force until others are, or until what they asked for has ended by itself. */
function wishes({ commands, instances }: Moment): string[] {
  return commands.flatMap((command, index) => {
    if (!command.isAccepted) return [];
    const isOverruled = commands
      .slice(index + 1)
      .some(({ kind, workspaceId }) => kind !== "start" && workspaceId === command.workspaceId);
    return command.instances.flatMap((id) => {
      const row = instances.get(id);
      if (row === undefined) return [`Instance ${id}, which was accepted to be started, is not in the journal`];
      if (row === null || row.stoppedAt !== null) return endedAgainstWish(command, row, isOverruled);
      if (command.kind !== "start" && row.desired === "running") {
        return [`Instance ${id} is wanted to run, though ${command.kind} was accepted`];
      }
      const isGivenUp = row.stopReason !== null && row.stopReason.by !== "user";
      if (command.kind === "start" && row.desired === "stopped" && !isOverruled && !isGivenUp) {
        return [`Instance ${id} is wanted to stop, though nobody asked for that`];
      }
      return [];
    });
  });
}

function endedAgainstWish({ kind }: Command, row: InstanceRow | null, isOverruled: boolean): string[] {
  if (kind !== "start" || isOverruled || row === null) return [];
  const by = row.stopReason?.by;
  if (by === "failure" || by === "completed") return [];
  return [`Instance ${row.instanceId} has ended, and nobody asked for that (${by ?? "no reason"})`];
}

/** What each subscriber was told is what was recorded, from where it began. */
function readings({ readers, events }: Moment): string[] {
  const gone = new Set(
    events
      .filter(({ instanceId, to }) => instanceId === null && to === "deleted")
      .map(({ workspaceId }) => workspaceId),
  );
  return readers.flatMap(({ name, from, events: read, gaps }) => {
    if (gaps > 0) return [`Subscriber "${name}" was told of a gap, and nothing was pruned`];
    if (from === null) return read.length === 0 ? [] : [`Subscriber "${name}" got events before it knew where it is`];
    // What the journal gave up with a deleted workspace may be left out.
    const expected = events.filter(({ position }) => position > from);
    let index = 0;
    for (const { position } of read) {
      while (expected[index]?.position !== position) {
        const next = expected[index];
        if (next === undefined)
          return [`Subscriber "${name}" got event ${position} again, or one that is not recorded`];
        if (!gone.has(next.workspaceId)) {
          return [`Subscriber "${name}" got event ${position} where event ${next.position} comes next`];
        }
        index += 1;
      }
      index += 1;
    }
    return [];
  });
}

/** What is shown is what was told; of a workspace that has stopped no machine is shown to start or to run. */
function views({ views: shown, last }: Moment): string[] {
  return shown.flatMap((view) =>
    actorsOf(view).flatMap(({ chart, key, name, actor }) => {
      const { state, status } = actor;
      if (view.status === "STOPPED" && chart !== "workspace") {
        const isOver = chart !== "machine" || status === "STOPPED" || status === "FAILED";
        return isOver ? [] : [`${name} is shown ${status} in ${state}, and its workspace is STOPPED`];
      }
      const event = last.get(actorKey(view.instanceId, key));
      if (event === undefined || (event.to === state && event.status === status)) return [];
      return [`${name} is shown ${status} in ${state}, and was told to be ${event.status} in ${event.to}`];
    }),
  );
}

function mistakesIn(
  { class: klass, code, message, budgetMs, exit, lastLines }: NonNullable<TroupeEvent["failure"]>,
  who: string,
  struck: Moment["struck"],
): string[] {
  const known = errorCodes[code as keyof typeof errorCodes] as { readonly class: string } | undefined;
  if (known === undefined) return [`${who} failed with "${code}", which is no code`];
  if (known.class !== klass) return [`${who} failed with ${code} of class ${klass}, which is of class ${known.class}`];
  if (message === "") return [`${who} failed with ${code} and no message`];
  if (klass === "internal" && !message.includes(INJECTED)) return [`${who} failed by a fault of ours: ${message}`];
  const isTimeout = code === "DEADLINE_EXCEEDED" || code === "SERVER_NOT_READY";
  if (isTimeout && budgetMs === null) return [`${who} exceeded its budget, and does not say which`];
  const wasSeen = code === "MACHINE_EXITED" && exit !== null && exit.code !== null;
  const couldRead = ![...struck.keys()].some((kind) => kind.startsWith("output "));
  if (wasSeen && couldRead && lastLines.length === 0) return [`${who} does not tell what it wrote last: ${message}`];
  return [];
}

function trespassesOf(trespasses: readonly Trespass[], rules: readonly Trespass["rule"][]): string[] {
  return trespasses.filter(({ rule }) => rules.includes(rule)).map(({ rule, message }) => `${rule}: ${message}`);
}

interface ShownActor {
  readonly chart: ChartName;
  readonly key: string;
  readonly name: string;
  readonly actor: Pick<WorkspaceView, "state" | "since" | "deadlineAt" | "budgetMs"> & { readonly status: string };
}

/** The actors that a view shows. */
function actorsOf(view: WorkspaceView): readonly ShownActor[] {
  const all: ShownActor[] = [{ chart: "workspace", key: "workspace", name: `Workspace "${view.name}"`, actor: view }];
  for (const [machine, of] of Object.entries(view.machines)) {
    all.push({ chart: "machine", key: `machine ${machine}`, name: `Machine "${machine}"`, actor: of });
    for (const [name, actor] of Object.entries(of.installers)) {
      all.push({ chart: "installer", key: `installer ${machine} ${name}`, name: `Installer "${name}"`, actor });
    }
    for (const [name, actor] of Object.entries(of.servers)) {
      all.push({ chart: "server", key: `server ${machine} ${name}`, name: `Server "${name}"`, actor });
    }
  }
  return all;
}

/** What is done in a machine that is there, and ends with it: it may go on until the machine's turn to stop has come. */
const worksInside: readonly Operation[] = ["put", "exec"];
