import { createActor } from "xstate";
import type { Recovered, Run } from "../../machines/workspace.ts";
import { TroupeError } from "../errors.ts";
import type { Infrastructure, InstanceRef } from "../infrastructure/spi.ts";
import type { InstanceRow, Journal, Turn, WorkspaceRow } from "../journal/spi.ts";
import { type StopReason, sourceKey, type TroupeEvent } from "../model/workspace.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { Admission } from "./admission.ts";
import type { Clock } from "./api.ts";
import { Deadlines } from "./deadlines.ts";
import { Lanes } from "./lanes.ts";
import { LeakLedger } from "./leak-ledger.ts";
import { LiveInstance } from "./live-instance.ts";
import { LiveWorkspace } from "./live-workspace.ts";
import { outputToKeep } from "./logs.ts";
import { planOf } from "./plan.ts";
import { lanesOf, persistently, provideWorkspace, type WorkspaceLogic } from "./ports.ts";
import { Recorder } from "./recorder.ts";
import { foundMachines, recoveredOf } from "./recovery.ts";
import { Roster } from "./roster.ts";
import { transitionTap } from "./tap.ts";

/** How long `suspend` waits for what is under way to notice that it was let go of. */
const LET_GO_MS = 5_000;

export interface WorkspaceActorsContext {
  readonly journal: Journal;
  readonly infrastructures: ReadonlyMap<string, Infrastructure>;
  readonly concurrentStarts: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Called with what was committed, after the roster has taken it over. */
  published(events: readonly TroupeEvent[]): void;
  /** Lays something between the charts and their work, as a replay does. Default: nothing. */
  adapt?(logic: WorkspaceLogic): WorkspaceLogic;
}

/**
 * The root actors: one for every workspace that is not stopped.
 *
 * Begins them, recovers them, sends them what is wanted, once that is durable, and takes over what their
 * transitions made of it, once that is committed. No statechart itself: a parent of so many
 * actors would copy its list of children with every one that begins or ends.
 */
export class WorkspaceActors {
  readonly roster = new Roster();
  readonly ledger: LeakLedger;
  readonly #context: WorkspaceActorsContext;
  readonly #deadlines: Deadlines;
  readonly #admission: Admission;
  readonly #lanes = new Lanes((lane) => this.#cameLate(lane));
  readonly #recorder: Recorder;
  readonly #logic: WorkspaceLogic;
  readonly #recovering = new Set<string>();
  #isSuspended = false;

  constructor(context: WorkspaceActorsContext) {
    const { journal, infrastructures, clock, logger, concurrentStarts } = context;
    this.#context = context;
    this.#deadlines = new Deadlines(clock, () => this.#recorder.wake());
    this.#admission = new Admission(concurrentStarts);
    this.ledger = new LeakLedger({
      journal,
      infrastructures,
      clock,
      logger,
      isLive: (instanceId) => this.roster.has(instanceId),
    });
    this.#recorder = new Recorder({
      journal,
      clock,
      deadlines: this.#deadlines,
      logger,
      advance: (workspaceId, instanceId) => this.#advance(workspaceId, instanceId),
      committed: (events, changes) => this.#committed(events, changes),
    });
    const logic = provideWorkspace({
      clock,
      lanes: this.#lanes,
      deadlines: this.#deadlines,
      admission: this.#admission,
      logger,
      live: (instanceId) => this.roster.instance(instanceId),
      found: (live, signal) => this.#observe(live, signal),
      warned: (live) => this.#changeInstance(live.spec, { warnings: live.warnings }),
      progress: (live, machine) => (step) => logger.info({ instanceId: live.id, machine, step }, "progress"),
      keepOutput: (live) => this.#keepOutput(live),
      clearLeaks: (workspaceId) => this.ledger.clear(workspaceId),
      leaked: (ref, infrastructure, leaks) => this.ledger.record(ref, infrastructure, leaks),
    });
    this.#logic = context.adapt?.(logic) ?? logic;
  }

  /** Instances of which it is not known yet what is left of them. */
  get recovering(): number {
    return this.#recovering.size;
  }

  /** Starts that wait for their turn. */
  get queuedStarts(): number {
    return this.#admission.waiting;
  }

  /** Starts that were let in and are under way. */
  get startsUnderWay(): number {
    return this.#admission.underWay;
  }

  /** Commits what the charts have done until now, so that an answer is not older than its cause. */
  flush(): void {
    this.#recorder.flush();
  }

  /** Changes a workspace's record, behind what the charts have done until now, and takes over the events that tell of it. */
  change(write: () => readonly TroupeEvent[]): void {
    this.#recorder.flush();
    this.#committed(write(), []);
  }

  /** Makes the intent to run durable, then tells the workspace's actor; begins one if there is none. */
  start(row: WorkspaceRow, instance: InstanceRow): void {
    this.#context.journal.createInstance(instance);
    const run: Run = { instanceId: instance.instanceId, plan: planOf(instance.environment) };
    const current = this.roster.get(row.workspaceId);
    if (current !== undefined) {
      current.keepNext(instance);
      this.#addInstance(current, instance);
    }
    const workspace =
      current ??
      this.#begin({ row: { ...row, instanceId: instance.instanceId }, instance, next: null, actors: [] }, null);
    workspace.root.send({ type: "workspace.start", run });
    this.#recorder.flush();
  }

  /** Makes the intent to stop durable, then tells the workspace's actor. A second stop forces; what was to come next is taken back. */
  stop(workspace: LiveWorkspace, reason: StopReason, isForced: boolean): void {
    this.#recorder.flush();
    const { instance } = workspace;
    const isSecond = instance.desired === "stopped";
    const intent = {
      desired: "stopped" as const,
      forced: isForced || isSecond,
      stopReason: isSecond ? instance.stopReason : reason,
    };
    this.#context.journal.intend(instance, intent);
    workspace.changeInstance(intent);
    this.#takeBackNext(workspace, reason);
    workspace.root.send({ type: "workspace.stop", reason, force: intent.forced });
    this.#recorder.flush();
  }

  /**
   * Gives every instance that has not ended its actor back.
   *
   * @throws {TroupeError} `INFRASTRUCTURE_UNAVAILABLE` if one needs an infrastructure that is not there; nothing is begun then
   */
  recover(): void {
    const active = this.#context.journal.activeInstances();
    const { infrastructures } = this.#context;
    const lost = active.find(({ infrastructure }) => !infrastructures.has(infrastructure));
    if (lost !== undefined) {
      throw new TroupeError(
        "INFRASTRUCTURE_UNAVAILABLE",
        `Cannot recover instance ${lost.instanceId}: its infrastructure "${lost.infrastructure}" is not among those given`,
        { details: { needed: lost.infrastructure, given: [...infrastructures.keys()] } },
      );
    }
    const byWorkspace = new Map<string, InstanceRow[]>();
    for (const instance of active) {
      byWorkspace.set(instance.workspaceId, [...(byWorkspace.get(instance.workspaceId) ?? []), instance]);
    }
    for (const [workspaceId, instances] of byWorkspace) this.#recoverWorkspace(workspaceId, instances);
    this.#recorder.flush();
    this.ledger.open();
  }

  /** Lets go of all actors. What they run goes on; their deadlines stay in the journal. */
  async suspend(): Promise<void> {
    this.#isSuspended = true;
    this.#recorder.flush();
    this.#deadlines.suspend();
    for (const { root } of this.roster.all) root.stop();
    // What has not noticed by then is not waited for: it is found again by whoever comes next.
    await this.#lanes.settled("", AbortSignal.timeout(LET_GO_MS)).catch(() => {});
    await this.ledger.close();
    this.#recorder.close();
  }

  #recoverWorkspace(workspaceId: string, instances: readonly InstanceRow[]): void {
    const { journal } = this.#context;
    const row = journal.workspace(workspaceId);
    const instance = instances.find(({ instanceId }) => instanceId === row?.instanceId) ?? instances[0];
    if (row === undefined || instance === undefined) return;
    const next = instances.find((other) => other !== instance) ?? null;
    if (row.instanceId !== instance.instanceId) journal.makeCurrent(instance);
    const actors = journal.actors(instance.instanceId);
    this.#deadlines.takeUp(journal, instance.instanceId);
    this.#recovering.add(workspaceId);
    this.#begin(
      { row: { ...row, instanceId: instance.instanceId }, instance, next, actors },
      recoveredOf(instance, actors, next ?? undefined),
    );
  }

  /** Makes a root actor. Its error observer is there before it starts: an error that nobody observes would end the process. */
  #begin(records: ConstructorParameters<typeof LiveWorkspace>[1], recovered: Recovered | null): LiveWorkspace {
    const { instance, next } = records;
    const { workspaceId } = records.row;
    const { clock, logger } = this.#context;
    const root = createActor(this.#logic, {
      id: workspaceId,
      input: { workspaceId, recovered },
      clock: {
        setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
        clearTimeout: (id) => clock.clearTimeout(id),
      },
      inspect: transitionTap(
        (transition) => this.#recorder.record(workspaceId, transition),
        (error) => logger.error({ err: error, workspaceId }, "the transition tap failed"),
      ),
    });
    const workspace = new LiveWorkspace(root, records);
    this.roster.add(workspace);
    this.#addInstance(workspace, instance);
    if (next !== null) this.#addInstance(workspace, next);
    this.#recorder.setCurrent(workspaceId, instance.instanceId);
    root.subscribe({ error: (error) => this.#crashed(workspace, error) });
    root.start();
    return workspace;
  }

  #addInstance(workspace: LiveWorkspace, instance: InstanceRow): void {
    const infrastructure = this.#context.infrastructures.get(instance.infrastructure);
    if (infrastructure !== undefined) {
      this.roster.addInstance(workspace, new LiveInstance(instance, workspace.row, infrastructure));
    }
  }

  #takeBackNext(workspace: LiveWorkspace, stopReason: StopReason): void {
    const { next } = workspace;
    if (next === null) return;
    const stoppedAt = this.#context.clock.now();
    this.#context.journal.append({
      events: [],
      instances: [{ instanceId: next.instanceId, desired: "stopped", stoppedAt, stopReason }],
    });
    workspace.keepNext(null);
    this.roster.removeInstance(next.instanceId);
  }

  /** The instance that waited becomes the current one, in the journal and here. */
  #advance(workspaceId: string, instanceId: string): void {
    const workspace = this.roster.get(workspaceId);
    if (workspace?.next?.instanceId !== instanceId) return;
    this.#context.journal.makeCurrent(workspace.next);
    this.roster.removeInstance(workspace.instance.instanceId);
    workspace.advance();
  }

  #committed(events: readonly TroupeEvent[], changes: Turn["instances"]): void {
    for (const event of events) this.#takeOver(event, changes);
    for (const workspaceId of new Set(events.map((event) => event.workspaceId))) this.#retire(workspaceId);
    this.#context.published(events);
  }

  #takeOver(event: TroupeEvent, changes: Turn["instances"]): void {
    const { logger, metrics } = this.#context;
    const { workspaceId, instanceId, source, to, status, cause } = event;
    if (instanceId === null) return;
    logger.info({ workspaceId, instanceId, source: sourceKey(source), state: to, cause }, "transition");
    metrics.transitions.inc({ kind: source.kind, status });
    if (source.kind === "machine" && to.startsWith("restarting")) metrics.machineRestarts.inc();
    const workspace = this.roster.get(workspaceId);
    if (workspace === undefined) return;
    const before = workspace.row.status;
    workspace.takeOver(event);
    if (source.kind !== "workspace") return;
    for (const { instanceId: changed, ...change } of changes) {
      if (changed === instanceId) workspace.changeInstance(change);
    }
    if (!to.startsWith("recovering")) this.#recovering.delete(workspaceId);
    if (to === "running.steady" || to === "stopped") this.#deadlines.recovered(instanceId);
    if (status === "STARTING") return;
    this.#admission.leave(instanceId);
    if (before === "STARTING") this.#countStart(event, workspace);
    if (to === "stopped" && cause === "deadline reached") this.#listAsLeft(event, workspace);
  }

  /** Its removal was given up, and nobody knows how far it came: it is listed until a later attempt says otherwise. */
  #listAsLeft({ instanceId, failure }: TroupeEvent, { instance }: LiveWorkspace): void {
    if (instanceId === null || this.ledger.rows.some((row) => row.instanceId === instanceId)) return;
    const reason = failure?.message ?? "Its removal took too long";
    this.ledger.record(instance, instance.infrastructure, [{ kind: "instance", id: instanceId, reason }]);
  }

  #countStart({ status, failure, at }: TroupeEvent, { instance }: LiveWorkspace): void {
    const { starts, startDuration } = this.#context.metrics;
    const outcome = status === "RUNNING" ? "running" : failure === null ? "interrupted" : "failed";
    starts.inc({ outcome });
    if (outcome === "running") startDuration.observe((at - instance.createdAt) / 1_000);
  }

  /** Ends the actor of a workspace that has stopped with nothing to come: it is a row again, and costs no more. */
  #retire(workspaceId: string): void {
    const workspace = this.roster.get(workspaceId);
    if (workspace === undefined || !workspace.isOver) return;
    workspace.root.stop();
    this.roster.remove(workspace);
    this.#recorder.forget(workspaceId);
  }

  /** A fault of ours in a chart. It is contained: the workspace is stopped, what it holds is removed, and the others never notice. */
  #crashed(workspace: LiveWorkspace, error: unknown): void {
    const { clock, logger } = this.#context;
    const { row, instance, view } = workspace;
    logger.error({ err: error, workspaceId: row.workspaceId }, "a workspace's actor crashed");
    const source = { kind: "workspace" as const };
    const message = `The workspace's actor crashed: ${error instanceof Error ? error.message : String(error)}`;
    this.#takeBackNext(workspace, { by: "failure", message });
    this.#lanes.fence(lanesOf(instance.instanceId));
    this.ledger.record(instance, instance.infrastructure, [
      { kind: "instance", id: instance.instanceId, reason: message },
    ]);
    this.#recorder.record(row.workspaceId, {
      instanceId: instance.instanceId,
      source,
      from: view.state,
      to: "stopped",
      status: "STOPPED",
      cause: "actor crashed",
      failure: {
        class: "internal",
        code: "INTERNAL",
        message,
        source,
        state: view.state,
        at: clock.now(),
        budgetMs: null,
        exit: null,
        lastLines: [],
      },
      data: { stopReason: { by: "failure", message }, nextInstanceId: null },
    });
    this.ledger.destroy(instance, instance.infrastructure);
  }

  async #observe(live: LiveInstance, signal: AbortSignal) {
    const observation = await persistently(() => live.infrastructure.observe(live.spec, signal), this.#context, signal);
    for (const [machine, { started }] of Object.entries(observation.machines)) {
      if (started !== null) live.started(machine, started);
    }
    const workspace = this.roster.get(live.spec.workspaceId);
    if (workspace === undefined) throw new Error(`Workspace ${live.spec.workspaceId} has no actor`);
    return { machines: foundMachines(workspace.instance, workspace.actors, observation) };
  }

  async #keepOutput(live: LiveInstance): Promise<void> {
    const lastOutput = await outputToKeep(live, this.#context.clock);
    if (lastOutput.length > 0) this.#changeInstance(live.spec, { lastOutput });
  }

  #changeInstance({ workspaceId, instanceId }: InstanceRef, change: Partial<InstanceRow>): void {
    if (this.#isSuspended) return;
    this.#context.journal.append({ events: [], instances: [{ instanceId, ...change }] });
    const workspace = this.roster.get(workspaceId);
    if (workspace?.instance.instanceId === instanceId) workspace.changeInstance(change);
  }

  /** Work that was fenced off has settled after all. Of an instance that has ended, what it made is removed. */
  #cameLate(lane: string): void {
    const [instanceId = ""] = lane.split(" ");
    if (this.#isSuspended || this.roster.has(instanceId)) return; // a live instance is destroyed when it ends
    const row = this.#context.journal.instance(instanceId);
    if (row !== undefined) this.ledger.destroy(row, row.infrastructure);
  }
}
