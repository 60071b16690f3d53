import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { createActor } from "xstate";
import type { Recovered, Run } from "../../machines/workspace.ts";
import { Hub, type SubscribeOptions, type Subscription } from "../channels/hub.ts";
import { parseConfig } from "../environment/parse-config.ts";
import { type RecipeRegistry, recipeRegistry } from "../environment/recipes.ts";
import { resolveEnvironment } from "../environment/resolve-environment.ts";
import { type Problem, TroupeError, validationError } from "../errors.ts";
import type { Infrastructure, InstanceRef, OutputRecord } from "../infrastructure/spi.ts";
import { type InstallerRegistry, installerRegistry } from "../installers/registry.ts";
import type { InstanceRow, Journal, LeakRow, Page, Turn, WorkspaceRow } from "../journal/spi.ts";
import type { WorkspaceConfig } from "../model/config.ts";
import type { Environment, Warning } from "../model/environment.ts";
import { sourceKey, type TroupeEvent, type WorkspaceStatus, type WorkspaceView } from "../model/workspace.ts";
import { type Logger, silentLogger } from "../telemetry/log.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import { Admission } from "./admission.ts";
import type {
  Clock,
  Health,
  Limits,
  LogQuery,
  StartOptions,
  StopOptions,
  Supervisor,
  SupervisorOptions,
  WaitCondition,
  Why,
} from "./api.ts";
import { systemClock } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";
import { isWorkspaceId, newWorkspaceId } from "./ids.ts";
import { Lanes } from "./lanes.ts";
import { lastLinesOf, textOf } from "./last-lines.ts";
import { LeakLedger } from "./leak-ledger.ts";
import { LiveInstance } from "./live-instance.ts";
import { keptLogs, liveLogs, outputToKeep } from "./logs.ts";
import { planOf } from "./plan.ts";
import { persistently, provideWorkspace } from "./ports.ts";
import { Recorder } from "./recorder.ts";
import { foundMachines, recoveredOf } from "./recovery.ts";
import { LiveWorkspace, Roster } from "./roster.ts";
import { transitionTap } from "./tap.ts";
import { workspaceView } from "./view.ts";
import { verdict } from "./wait.ts";
import { explain } from "./why.ts";

const DEFAULT_OWNER = "default";

/** Retention is looked after this often; each time until it is done, a piece a turn. */
const PRUNE_EVERY_MS = 60_000;

/** How long `suspend` waits for what is under way to notice that it was let go of. */
const LET_GO_MS = 5_000;

/**
 * Opens a supervisor over a journal and some infrastructures, which it owns from now on: they are closed with it.
 *
 * Recovery has begun when this resolves: every instance that had not ended has its actor, and commands are accepted.
 *
 * @throws {TroupeError} `INFRASTRUCTURE_UNAVAILABLE` if an instance needs recovery by an infrastructure that is not given.
 * @example
 * ```ts
 * const supervisor = await createSupervisor({
 *   journal: sqliteJournal({ file: "troupe.db" }),
 *   infrastructures: [processInfrastructure({ dataDir: "data" })],
 * });
 * supervisor.create({ name: "hello", environment: { recipe: { type: "process", content: "web: node server.js" } } });
 * supervisor.start("hello");
 * await supervisor.wait("hello", { for: "running" });
 * ```
 */
export async function createSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const supervisor = new WorkspaceSupervisor(options);
  await supervisor.recover();
  return supervisor;
}

/** No statechart itself: a parent of so many actors would copy its children with every one that begins or ends. */
class WorkspaceSupervisor implements Supervisor {
  readonly #journal: Journal;
  readonly #infrastructures: ReadonlyMap<string, Infrastructure>;
  readonly #installers: InstallerRegistry;
  readonly #recipes: RecipeRegistry;
  readonly #limits: Limits;
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #roster = new Roster();
  readonly #deadlines: Deadlines;
  readonly #admission: Admission;
  readonly #lanes: Lanes;
  readonly #recorder: Recorder;
  readonly #ledger: LeakLedger;
  readonly #hub: Hub;
  readonly #logic: ReturnType<typeof provideWorkspace>;
  /** Called after every commit that concerns a workspace. */
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #recovering = new Set<string>();
  #phase: "open" | "terminating" | "closed" = "open";
  #pruning: unknown;

  constructor(options: SupervisorOptions) {
    this.#journal = options.journal;
    this.#infrastructures = new Map(options.infrastructures.map((one) => [one.name, one]));
    this.#installers = options.installers ?? installerRegistry([]);
    this.#recipes = options.recipes ?? recipeRegistry();
    this.#limits = {
      concurrentStarts: options.limits?.concurrentStarts ?? 2 * availableParallelism(),
      runningPerOwner: options.limits?.runningPerOwner ?? Number.POSITIVE_INFINITY,
    };
    this.#logger = options.logger ?? silentLogger();
    this.#metrics = options.metrics ?? createMetrics();
    this.#clock = options.clock ?? systemClock;
    this.#deadlines = new Deadlines(this.#journal, this.#clock);
    this.#admission = new Admission(this.#limits.concurrentStarts);
    this.#lanes = new Lanes((lane) => this.#cameLate(lane));
    this.#ledger = new LeakLedger({
      journal: this.#journal,
      infrastructures: this.#infrastructures,
      clock: this.#clock,
      logger: this.#logger,
      isLive: (instanceId) => this.#roster.has(instanceId),
    });
    this.#recorder = new Recorder({
      journal: this.#journal,
      clock: this.#clock,
      deadlines: this.#deadlines,
      logger: this.#logger,
      advance: (workspaceId, instanceId) => this.#advance(workspaceId, instanceId),
      committed: (events, changes) => this.#committed(events, changes),
    });
    this.#hub = new Hub(
      {
        epoch: this.#journal.epoch,
        bounds: (workspaceId) => this.#journal.bounds(workspaceId),
        events: (query) => this.#journal.events(query),
        view: (workspaceId) => this.#viewOf(workspaceId),
        views: (query) => this.#page(query),
      },
      { metrics: this.#metrics },
    );
    this.#logic = provideWorkspace({
      clock: this.#clock,
      lanes: this.#lanes,
      deadlines: this.#deadlines,
      admission: this.#admission,
      logger: this.#logger,
      live: (instanceId) => this.#roster.instance(instanceId),
      found: (live, signal) => this.#observe(live, signal),
      warned: (live) => this.#changeInstance(live.spec, { warnings: live.warnings }),
      progress: (live, machine) => (step) =>
        this.#logger.info({ instanceId: live.id, machine, ...step, message: undefined }, step.message),
      keepOutput: (live) => this.#keepOutput(live),
      leaked: (ref, infrastructure, leaks) => this.#ledger.record(ref, infrastructure, leaks),
    });
  }

  get epoch(): string {
    return this.#journal.epoch;
  }

  create(
    config: unknown,
    options: { readonly owner?: string; readonly attributes?: Record<string, string> } = {},
  ): WorkspaceView {
    this.#mustBeOpen("create a workspace");
    const parsed = this.#validated(config);
    const now = this.#clock.now();
    const row: WorkspaceRow = {
      workspaceId: newWorkspaceId(),
      owner: options.owner ?? DEFAULT_OWNER,
      name: parsed.name,
      config: parsed,
      attributes: { ...parsed.attributes, ...options.attributes },
      version: 1,
      createdAt: now,
      updatedAt: now,
      instanceId: null,
      status: "STOPPED",
      deletingSince: null,
    };
    this.#journal.createWorkspace(row);
    this.#tellRecord(row, "created");
    return this.get(row.workspaceId);
  }

  update(key: string, config: unknown, options: { readonly version?: number } = {}): WorkspaceView {
    this.#mustBeOpen("update a workspace");
    const row = this.#find(key);
    const parsed = this.#validated(config);
    if (options.version !== undefined && options.version !== row.version) {
      throw new TroupeError(
        "WORKSPACE_CONFLICT",
        `Cannot update workspace "${row.name}" over version ${options.version}: current version is ${row.version}`,
        { details: { expected: options.version, current: row.version } },
      );
    }
    const updated: WorkspaceRow = {
      ...row,
      name: parsed.name,
      config: parsed,
      attributes: { ...row.attributes, ...parsed.attributes },
      version: row.version + 1,
      updatedAt: this.#clock.now(),
    };
    this.#journal.updateWorkspace(updated);
    this.#roster.get(row.workspaceId)?.keepRow(updated);
    this.#tellRecord(updated, "updated");
    return this.get(row.workspaceId);
  }

  get(key: string): WorkspaceView {
    const row = this.#find(key);
    return this.#viewOf(row.workspaceId) ?? workspaceView(row, undefined, new Map());
  }

  config(key: string): WorkspaceConfig {
    return this.#find(key).config;
  }

  list(query: { owner?: string; status?: WorkspaceStatus; after?: string; limit?: number } = {}): Page<WorkspaceView> {
    this.#recorder.flush();
    return this.#page({ limit: 100, ...query });
  }

  start(key: string, options: StartOptions = {}): WorkspaceView {
    this.#mustBeOpen("start a workspace");
    const row = this.#find(key);
    if (row.deletingSince !== null) {
      throw new TroupeError("WORKSPACE_CONFLICT", `Cannot start workspace "${row.name}": it is being deleted`);
    }
    const live = this.#roster.get(row.workspaceId);
    if (live !== undefined && (live.instance.desired === "running" || live.next !== null)) return live.view;

    const environment = this.#resolved(row.config, options.environment);
    const infrastructure = this.#infrastructureFor(environment);
    this.#mustBeWithinLimit(row, live !== undefined);
    const instance: InstanceRow = {
      workspaceId: row.workspaceId,
      instanceId: randomUUID(),
      environment,
      infrastructure: infrastructure.name,
      desired: "running",
      forced: false,
      priority: options.priority ?? 0,
      createdAt: this.#clock.now(),
      readyAt: null,
      stoppedAt: null,
      stopReason: null,
      failure: null,
      warnings: environment.warnings,
      lastOutput: {},
    };
    this.#journal.createInstance(instance);
    const run: Run = { instanceId: instance.instanceId, plan: planOf(environment) };
    if (live === undefined) {
      const current = { ...row, instanceId: instance.instanceId };
      const begun = this.#spawn({ row: current, instance, next: null, actors: [] }, null);
      begun.root.send({ type: "workspace.start", run });
    } else {
      live.keepNext(instance);
      this.#roster.addInstance(live, new LiveInstance(instance, row, infrastructure));
      live.root.send({ type: "workspace.start", run });
    }
    return this.get(row.workspaceId);
  }

  stop(key: string, options: StopOptions = {}): WorkspaceView {
    this.#mustBeOpen("stop a workspace", "terminating");
    const row = this.#find(key);
    const live = this.#roster.get(row.workspaceId);
    if (live !== undefined) this.#stop(live, options);
    return this.get(row.workspaceId);
  }

  async delete(key: string): Promise<void> {
    this.#mustBeOpen("delete a workspace");
    const row = this.#find(key);
    if (row.deletingSince === null) {
      this.#journal.markDeleting(row.workspaceId, this.#clock.now());
      const live = this.#roster.get(row.workspaceId);
      live?.keepRow({ ...live.row, deletingSince: this.#clock.now() });
      if (live !== undefined && live.instance.desired === "running") {
        this.#stop(live, { reason: { by: "user", message: "It is being deleted" } });
      }
    }
    await this.#delete(row);
  }

  async wait(
    key: string,
    condition: WaitCondition,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<WorkspaceView> {
    const { workspaceId } = this.#find(key);
    const timeoutMs = Math.min(options.timeoutMs ?? 60_000, 24 * 60 * 60_000);
    return this.#until(
      workspaceId,
      (view) => verdict(view, condition),
      (view) =>
        new TroupeError("WAIT_TIMEOUT", `Workspace "${view.name}" is still ${view.status} after ${timeoutMs} ms`, {
          details: { status: view.status, timeoutMs },
        }),
      timeoutMs,
      options.signal,
    );
  }

  async why(key: string): Promise<Why> {
    const workspace = this.get(key);
    const { leaf, ...explained } = explain(workspace, this.#clock.now());
    const failed = workspace.failure?.lastLines ?? [];
    return {
      workspace,
      ...explained,
      lastLines: failed.length > 0 || leaf === null ? failed : await this.#lastLines(workspace, leaf),
      events: this.#lastEvents(workspace),
    };
  }

  events(key: string, query: { after?: number; instanceId?: string; limit?: number } = {}): readonly TroupeEvent[] {
    const { workspaceId } = this.#find(key);
    return this.#journal.events({ after: 0, limit: 100, ...query, workspaceId });
  }

  async *logs(key: string, query: LogQuery = {}): AsyncGenerator<OutputRecord> {
    const { workspaceId, instanceId } = this.#find(key);
    const view = this.get(workspaceId);
    if (query.machine !== undefined && view.instanceId !== null && view.machines[query.machine] === undefined) {
      throw new TroupeError("NOT_FOUND", `Workspace "${view.name}" has no machine "${query.machine}"`, {
        details: { machines: Object.keys(view.machines) },
      });
    }
    const live = instanceId === null ? undefined : this.#roster.get(workspaceId)?.instances.get(instanceId);
    if (live !== undefined) {
      yield* liveLogs(live, query, query.signal ?? new AbortController().signal);
    } else if (instanceId !== null) {
      const row = this.#journal.instance(instanceId);
      if (row !== undefined) yield* keptLogs(row, query);
    }
  }

  leaks(): readonly LeakRow[] {
    return this.#ledger.rows;
  }

  health(): Health {
    return {
      status: this.#phase === "open" ? "ok" : "closing",
      workspaces: this.#journal.countWorkspaces(),
      recovering: this.#recovering.size,
      queuedStarts: this.#admission.waiting,
      leaks: this.#ledger.rows.length,
      infrastructures: [...this.#infrastructures.keys()],
    };
  }

  validate(config: unknown): readonly Warning[] {
    const parsed = parseConfig(config);
    return Object.keys(parsed.environments).flatMap((name) => this.#resolved(parsed, name).warnings);
  }

  subscribe(topic: { readonly workspace: string } | "all", options: SubscribeOptions = {}): Subscription {
    this.#recorder.flush();
    if (topic === "all") return this.#hub.subscribe("all", options);
    return this.#hub.subscribe({ workspaceId: this.#find(topic.workspace).workspaceId }, options);
  }

  async suspend(): Promise<void> {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#deadlines.keep();
    this.#recorder.flush();
    for (const live of this.#roster.all) live.root.stop();
    await this.#lanes.settled("", AbortSignal.timeout(LET_GO_MS)).catch(() => {}); // let go of, and not ours to wait for any longer
    await this.#ledger.close();
    this.#clock.clearTimeout(this.#pruning);
    this.#recorder.flush();
    this.#recorder.close();
    this.#hub.close();
    for (const watchers of this.#watchers.values()) for (const changed of watchers) changed();
    await Promise.all([...this.#infrastructures.values()].map((infrastructure) => infrastructure.close()));
    this.#journal.close();
  }

  async terminate({ graceMs = 60_000 }: { readonly graceMs?: number } = {}): Promise<void> {
    if (this.#phase !== "open") return;
    this.#phase = "terminating";
    const reason = { by: "supervisor" as const, message: "The supervisor ends" };
    for (const live of this.#roster.all) {
      if (live.instance.desired === "running" || live.next !== null) this.#stop(live, { reason });
    }
    if (!(await this.#allStopped(graceMs))) {
      for (const live of this.#roster.all) this.#stop(live, { reason, force: true });
      await this.#allStopped(graceMs);
    }
    await this.suspend();
  }

  /** Gives every instance that has not ended its actor back, and has what belongs to none removed. */
  async recover(): Promise<void> {
    const active = this.#journal.activeInstances();
    const missing = active.find(({ infrastructure }) => !this.#infrastructures.has(infrastructure));
    if (missing !== undefined) {
      throw new TroupeError(
        "INFRASTRUCTURE_UNAVAILABLE",
        `Cannot recover instance ${missing.instanceId}: its infrastructure "${missing.infrastructure}" is not among those given`,
        { details: { given: [...this.#infrastructures.keys()], needed: missing.infrastructure } },
      );
    }
    for (const workspaceId of new Set(active.map((instance) => instance.workspaceId))) {
      const own = active.filter((instance) => instance.workspaceId === workspaceId);
      this.#recoverWorkspace(workspaceId, own);
    }
    for (const row of this.#journal.deletingWorkspaces()) {
      this.#delete(row).catch((error: unknown) =>
        this.#logger.error({ err: error, workspaceId: row.workspaceId }, "cannot delete a workspace"),
      );
    }
    this.#recorder.flush();
    this.#ledger.open();
    this.#prune();
  }

  #recoverWorkspace(workspaceId: string, instances: readonly InstanceRow[]): void {
    const row = this.#journal.workspace(workspaceId);
    const instance = instances.find(({ instanceId }) => instanceId === row?.instanceId) ?? instances[0];
    if (row === undefined || instance === undefined) return;
    const next = instances.find((other) => other !== instance && other.createdAt >= instance.createdAt) ?? null;
    if (row.instanceId !== instance.instanceId) this.#journal.makeCurrent(instance);
    const actors = this.#journal.actors(instance.instanceId);
    this.#recovering.add(workspaceId);
    this.#spawn(
      { row: { ...row, instanceId: instance.instanceId }, instance, next, actors },
      recoveredOf(instance, actors, next ?? undefined),
    );
  }

  /** Makes the actor of a workspace. Its error observer is there before it starts: an error of a root nobody observes ends the process. */
  #spawn(records: ConstructorParameters<typeof LiveWorkspace>[1], recovered: Recovered | null): LiveWorkspace {
    const { row, instance, next } = records;
    const { workspaceId } = row;
    const root = createActor(this.#logic, {
      id: workspaceId,
      input: { workspaceId, recovered },
      clock: this.#clock as Parameters<typeof createActor>[1] extends { clock?: infer C } ? NonNullable<C> : never,
      inspect: transitionTap(
        (transition) => this.#recorder.record(workspaceId, transition),
        (error) => this.#logger.error({ err: error, workspaceId }, "the transition tap failed"),
      ),
    });
    const live = new LiveWorkspace(root, records);
    this.#roster.add(live);
    for (const each of next === null ? [instance] : [instance, next]) {
      const infrastructure = this.#infrastructures.get(each.infrastructure);
      if (infrastructure !== undefined) this.#roster.addInstance(live, new LiveInstance(each, row, infrastructure));
    }
    this.#recorder.setCurrent(workspaceId, instance.instanceId);
    root.subscribe({ error: (error) => this.#crashed(live, error) });
    root.start();
    return live;
  }

  #stop(live: LiveWorkspace, { force = false, reason }: StopOptions): void {
    this.#recorder.flush();
    const { instance, next } = live;
    const isSecond = instance.desired === "stopped";
    const why = reason ?? { by: "user" as const, message: "It was asked to stop" };
    this.#journal.intend(instance, {
      desired: "stopped",
      forced: force || isSecond,
      stopReason: isSecond ? instance.stopReason : why,
    });
    live.changeInstance({ desired: "stopped", forced: force || isSecond });
    if (next !== null) {
      this.#journal.append({
        events: [],
        instances: [{ instanceId: next.instanceId, desired: "stopped", stoppedAt: this.#clock.now(), stopReason: why }],
      });
      live.keepNext(null);
      this.#roster.removeInstance(next.instanceId);
    }
    live.root.send({ type: "workspace.stop", reason: why, force: force || isSecond });
  }

  /** A fault of ours in a chart. It is contained: what the instance holds is removed, and the others never notice. */
  #crashed(live: LiveWorkspace, error: unknown): void {
    const { row, instance } = live;
    this.#logger.error({ err: error, workspaceId: row.workspaceId }, "a workspace's actor crashed");
    this.#recorder.record(row.workspaceId, {
      instanceId: instance.instanceId,
      source: { kind: "workspace" },
      from: live.view.state,
      to: "stopped",
      status: "STOPPED",
      cause: "actor crashed",
      failure: {
        class: "internal",
        code: "INTERNAL",
        message: `The workspace's actor crashed: ${error instanceof Error ? error.message : String(error)}`,
        source: { kind: "workspace" },
        state: live.view.state,
        at: this.#clock.now(),
        budgetMs: null,
        exit: null,
        lastLines: [],
      },
      data: { stopReason: { by: "failure", message: "An internal error" }, nextInstanceId: null },
    });
    this.#lanes.fence(`${instance.instanceId} `);
    this.#ledger.record(instance, instance.infrastructure, [
      { kind: "instance", id: instance.instanceId, reason: "Its actor crashed" },
    ]);
    this.#ledger.destroy(instance, instance.infrastructure);
  }

  #committed(events: readonly TroupeEvent[], changes: Turn["instances"]): void {
    for (const event of events) this.#apply(event, changes);
    this.#hub.publish(events);
    const touched = new Set(events.map(({ workspaceId }) => workspaceId));
    for (const workspaceId of touched) {
      this.#retire(workspaceId);
      for (const changed of this.#watchers.get(workspaceId) ?? []) changed();
    }
    this.#measure();
  }

  #apply(event: TroupeEvent, changes: Turn["instances"]): void {
    const live = this.#roster.get(event.workspaceId);
    this.#metrics.transitions.inc({ kind: event.source.kind, status: event.status });
    this.#logger.info(
      { workspaceId: event.workspaceId, source: sourceKey(event.source), state: event.to, cause: event.cause },
      "transition",
    );
    if (event.source.kind === "machine" && event.to.startsWith("restarting")) this.#metrics.machineRestarts.inc();
    if (live === undefined || event.instanceId === null) return;
    const before = live.row.status;
    live.apply(event);
    if (event.source.kind !== "workspace") return;
    for (const { instanceId, ...change } of changes) {
      if (instanceId === event.instanceId) live.changeInstance(change);
    }
    if (!event.to.startsWith("recovering")) this.#recovering.delete(event.workspaceId);
    if (event.status !== "STARTING") this.#admission.leave(event.instanceId);
    if (before === "STARTING" && event.status !== "STARTING") this.#countStart(event, live);
  }

  #countStart({ status, failure, at }: TroupeEvent, live: LiveWorkspace): void {
    const outcome = status === "RUNNING" ? "running" : failure === null ? "interrupted" : "failed";
    this.#metrics.starts.inc({ outcome });
    if (outcome === "running") this.#metrics.startDuration.observe((at - live.instance.createdAt) / 1_000);
  }

  /** Ends the actor of a workspace that has stopped with nothing to come: it is a row again. */
  #retire(workspaceId: string): void {
    const live = this.#roster.get(workspaceId);
    if (live === undefined || !live.isOver) return;
    live.root.stop();
    this.#roster.remove(live);
    this.#recorder.forget(workspaceId);
    this.#recovering.delete(workspaceId);
  }

  #advance(workspaceId: string, instanceId: string): void {
    const live = this.#roster.get(workspaceId);
    if (live === undefined || live.next?.instanceId !== instanceId) return;
    this.#journal.makeCurrent(live.next);
    live.advance();
  }

  #measure(): void {
    for (const [status, count] of Object.entries(this.#journal.countWorkspaces())) {
      this.#metrics.workspaces.set({ status }, count);
    }
    this.#metrics.queuedStarts.set(this.#admission.waiting);
    this.#metrics.leaks.set(this.#ledger.rows.length);
  }

  async #observe(live: LiveInstance, signal: AbortSignal) {
    const observation = await persistently(
      () => live.infrastructure.observe(live.spec, signal),
      { clock: this.#clock, logger: this.#logger },
      signal,
    );
    for (const [name, { started }] of Object.entries(observation.machines)) {
      if (started !== null) live.started(name, started);
    }
    const workspace = this.#roster.get(live.spec.workspaceId);
    if (workspace === undefined) throw new Error(`Workspace ${live.spec.workspaceId} has no actor`);
    return { machines: foundMachines(workspace.instance, workspace.actors, observation) };
  }

  async #keepOutput(live: LiveInstance): Promise<void> {
    const lastOutput = await outputToKeep(live);
    if (Object.keys(lastOutput).length > 0) this.#changeInstance(live.spec, { lastOutput });
  }

  #changeInstance({ workspaceId, instanceId }: InstanceRef, change: Partial<InstanceRow>): void {
    this.#journal.append({ events: [], instances: [{ instanceId, ...change }] });
    const live = this.#roster.get(workspaceId);
    if (live?.instance.instanceId === instanceId) live.changeInstance(change);
  }

  /** Work that was fenced off has settled after all. Of an instance that has ended, what it created is removed. */
  #cameLate(lane: string): void {
    const [instanceId = ""] = lane.split(" ");
    if (this.#roster.has(instanceId) || this.#phase === "closed") return;
    const row = this.#journal.instance(instanceId);
    if (row !== undefined) this.#ledger.destroy(row, row.infrastructure);
  }

  async #delete(row: WorkspaceRow): Promise<void> {
    const { workspaceId } = row;
    if (this.#roster.get(workspaceId) !== undefined) {
      await this.#until(workspaceId, () => (this.#roster.get(workspaceId) === undefined ? "holds" : "waits"));
    }
    if (this.#journal.workspace(workspaceId) === undefined) return; // somebody else was waiting too
    const { signal } = new AbortController();
    for (const infrastructure of this.#infrastructures.values())
      await infrastructure.removeVolumes(workspaceId, signal);
    if (this.#journal.workspace(workspaceId) === undefined) return;
    this.#journal.deleteWorkspace(workspaceId);
    this.#tellRecord(row, "deleted");
  }

  /** Records a change of a workspace's record. */
  #tellRecord(row: WorkspaceRow, to: "created" | "updated" | "deleted"): void {
    const event = {
      workspaceId: row.workspaceId,
      instanceId: null,
      at: this.#clock.now(),
      source: { kind: "workspace" as const },
      from: null,
      to,
      status: this.#roster.get(row.workspaceId)?.row.status ?? row.status,
      cause: `workspace.${to}`,
      deadlineAt: null,
      budgetMs: null,
      failure: null,
      data: { name: row.name, version: row.version },
    };
    this.#recorder.flush();
    this.#committed(this.#journal.append({ events: [event], instances: [] }), []);
  }

  #find(key: string): WorkspaceRow {
    this.#mustNotBeClosed();
    this.#recorder.flush();
    const row = isWorkspaceId(key) ? this.#journal.workspace(key) : this.#byName(key);
    if (row === undefined) {
      throw new TroupeError("WORKSPACE_NOT_FOUND", `Cannot find workspace "${key}": there is none`, {
        details: { key },
      });
    }
    return this.#roster.get(row.workspaceId)?.row ?? row;
  }

  #byName(key: string): WorkspaceRow | undefined {
    const slash = key.lastIndexOf("/");
    const owner = slash < 0 ? DEFAULT_OWNER : key.slice(0, slash);
    return this.#journal.workspaceByName(owner, key.slice(slash + 1));
  }

  #viewOf(workspaceId: string): WorkspaceView | undefined {
    const live = this.#roster.get(workspaceId);
    if (live !== undefined) return live.view;
    const row = this.#journal.workspace(workspaceId);
    return row === undefined ? undefined : this.#storedView(row);
  }

  #storedView(row: WorkspaceRow): WorkspaceView {
    if (row.instanceId === null) return workspaceView(row, undefined, new Map());
    const actors = this.#journal.actors(row.instanceId).map((actor) => [sourceKey(actor.source), actor] as const);
    return workspaceView(row, this.#journal.instance(row.instanceId), new Map(actors));
  }

  #page(query: Parameters<Journal["workspaces"]>[0]): Page<WorkspaceView> {
    const { rows, next } = this.#journal.workspaces(query);
    return { rows: rows.map((row) => this.#roster.get(row.workspaceId)?.view ?? this.#storedView(row)), next };
  }

  /** Every environment of a config is looked at, so that nothing is stored that cannot be started. */
  #validated(config: unknown): WorkspaceConfig {
    const parsed = parseConfig(config);
    for (const name of Object.keys(parsed.environments)) this.#resolved(parsed, name);
    return parsed;
  }

  #resolved(config: WorkspaceConfig, environment: string | undefined): Environment {
    return resolveEnvironment(config, environment, { recipes: this.#recipes, installers: this.#installers });
  }

  #infrastructureFor({ recipeType, name }: Environment): Infrastructure {
    const chosen = [...this.#infrastructures.values()].find(({ recipeTypes }) => recipeTypes.includes(recipeType));
    if (chosen !== undefined) return chosen;
    const problem: Problem = {
      path: `environments.${name}.recipe.type`,
      message: `No infrastructure here runs recipes of type "${recipeType}"`,
    };
    throw validationError(`environment "${name}"`, [problem]);
  }

  #mustBeWithinLimit({ owner, name }: WorkspaceRow, isLive: boolean): void {
    const running = this.#roster.ofOwner(owner) - (isLive ? 1 : 0);
    const { runningPerOwner } = this.#limits;
    if (running < runningPerOwner) return;
    throw new TroupeError(
      "LIMIT_REACHED",
      `Cannot start workspace "${name}": "${owner}" has ${running} that are not stopped, and the limit is ${runningPerOwner}`,
      { details: { owner, running, limit: runningPerOwner } },
    );
  }

  #mustBeOpen(what: string, ...also: ("terminating" | "closed")[]): void {
    if (this.#phase === "open" || also.includes(this.#phase as "terminating")) return;
    throw new TroupeError("SUPERVISOR_CLOSED", `Cannot ${what}: the supervisor is ${this.#phase}`);
  }

  #mustNotBeClosed(): void {
    if (this.#phase === "closed") throw new TroupeError("SUPERVISOR_CLOSED", "Cannot answer: the supervisor is closed");
  }

  async #lastLines(
    workspace: WorkspaceView,
    { machine, installer }: { machine: string; installer: string | null },
  ): Promise<readonly string[]> {
    const live = this.#roster.get(workspace.id)?.instances.get(workspace.instanceId ?? "");
    if (live === undefined) return [];
    return textOf(await lastLinesOf(live.infrastructure, live.spec, machine), installer);
  }

  #lastEvents({ id, instanceId }: WorkspaceView): readonly TroupeEvent[] {
    if (instanceId === null) return [];
    return this.#journal.events({ workspaceId: id, instanceId, after: 0, limit: 1_000 }).slice(-20);
  }

  async #allStopped(withinMs: number): Promise<boolean> {
    const ids = this.#roster.all.map(({ row }) => row.workspaceId);
    const isGone = (workspaceId: string) => this.#roster.get(workspaceId) === undefined;
    const waits = ids.map((workspaceId) =>
      this.#until(workspaceId, () => (isGone(workspaceId) ? "holds" : "waits"), undefined, withinMs),
    );
    await Promise.allSettled(waits);
    return this.#roster.size === 0;
  }

  /** Resolves when `check` holds; it is asked again after every commit that concerns the workspace. */
  async #until(
    workspaceId: string,
    check: (view: WorkspaceView) => "holds" | "waits" | TroupeError,
    timedOut?: (view: WorkspaceView) => TroupeError,
    withinMs?: number,
    signal?: AbortSignal,
  ): Promise<WorkspaceView> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      let last: WorkspaceView | undefined;
      const watchers = this.#watchers.get(workspaceId) ?? new Set();
      const end = (): void => {
        watchers.delete(changed);
        if (watchers.size === 0 && this.#watchers.get(workspaceId) === watchers) this.#watchers.delete(workspaceId);
        this.#clock.clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
      };
      const fail = (error: unknown): void => {
        end();
        reject(error);
      };
      const aborted = (): void => fail(signal?.reason);
      const changed = (): void => {
        if (this.#phase === "closed") {
          return fail(new TroupeError("SUPERVISOR_CLOSED", "Cannot wait any longer: the supervisor is closed"));
        }
        const view = this.#viewOf(workspaceId) ?? last;
        if (view === undefined) return fail(new TroupeError("WORKSPACE_NOT_FOUND", "The workspace was deleted"));
        last = view;
        const result = check(view);
        if (result === "waits") return;
        if (result !== "holds") return fail(result);
        end();
        resolve(view);
      };
      const timer =
        withinMs === undefined
          ? undefined
          : this.#clock.setTimeout(
              () =>
                fail(
                  last !== undefined && timedOut ? timedOut(last) : new TroupeError("WAIT_TIMEOUT", "It took too long"),
                ),
              withinMs,
            );
      signal?.addEventListener("abort", aborted, { once: true });
      watchers.add(changed);
      this.#watchers.set(workspaceId, watchers);
      changed();
    });
  }

  #prune(): void {
    try {
      const isMore = this.#journal.prune(this.#clock.now());
      this.#pruning = this.#clock.setTimeout(() => this.#prune(), isMore ? 0 : PRUNE_EVERY_MS);
    } catch (error) {
      this.#logger.error({ err: error }, "cannot prune the journal");
      this.#pruning = this.#clock.setTimeout(() => this.#prune(), PRUNE_EVERY_MS);
    }
  }
}
