import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { Hub, type SubscribeOptions, type Subscription } from "../channels/hub.ts";
import { recipeRegistry } from "../environment/recipes.ts";
import { TroupeError } from "../errors.ts";
import type { Infrastructure, OutputRecord } from "../infrastructure/spi.ts";
import { installerRegistry } from "../installers/registry.ts";
import type { InstanceRow, Journal, LeakRow, NewEvent, Page, WorkspaceRow } from "../journal/spi.ts";
import type { WorkspaceConfig } from "../model/config.ts";
import type { Warning } from "../model/environment.ts";
import type { Incident } from "../model/incident.ts";
import type { TroupeEvent, WorkspaceStatus, WorkspaceView } from "../model/workspace.ts";
import { type Logger, silentLogger } from "../telemetry/log.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
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
import { DEFAULT_OWNER, newWorkspaceId } from "./ids.ts";
import { incidentOf } from "./incident.ts";
import { lastLinesOf, textOf } from "./last-lines.ts";
import { keptLogs, liveLogs } from "./logs.ts";
import { Reader } from "./reader.ts";
import { Resolver } from "./resolver.ts";
import type { Roster } from "./roster.ts";
import { verdict } from "./wait.ts";
import { Watchers } from "./watchers.ts";
import { explain } from "./why.ts";
import { within } from "./within.ts";
import { WorkspaceActors } from "./workspace-actors.ts";

/** Retention is looked after this often; each time until it is done, a piece a turn. */
const PRUNE_EVERY_MS = 60_000;

/** Gauges follow what happens by this much: nobody scrapes them more often, and they cost more than a transition. */
const MEASURE_AFTER_MS = 1_000;

const DEFAULT_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 24 * 60 * 60_000;

/** Every state on the way to STOPPED has a budget, and together they are far below this. */
const DELETE_WITHIN_MS = 60 * 60_000;

/** Volumes may be large, and their removal is what a caller of `delete` waits for. */
const REMOVE_VOLUMES_MS = 10 * 60_000;

/** What cannot be deleted is tried again after this, for nobody waits for it. */
const DELETE_RETRY_MS = 15_000;

const nothing: Health["workspaces"] = { STARTING: 0, RUNNING: 0, STOPPING: 0, STOPPED: 0 };

/** How many of the events that led to a state `why` tells. */
const WHY_EVENTS = 20;

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
  supervisor.open();
  return supervisor;
}

class WorkspaceSupervisor implements Supervisor {
  readonly #journal: Journal;
  readonly #infrastructures: ReadonlyMap<string, Infrastructure>;
  readonly #runningPerOwner: number;
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #resolver: Resolver;
  readonly #actors: WorkspaceActors;
  readonly #roster: Roster;
  readonly #reader: Reader;
  readonly #watchers: Watchers;
  readonly #hub: Hub;
  #phase: "open" | "terminating" | "closed" = "open";
  #closing: Promise<void> | undefined;
  #pruning: unknown;
  #measuring: unknown;

  constructor(options: SupervisorOptions) {
    const limits: Partial<Limits> = options.limits ?? {};
    this.#journal = options.journal;
    this.#infrastructures = new Map(options.infrastructures.map((one) => [one.name, one]));
    this.#runningPerOwner = limits.runningPerOwner ?? Number.POSITIVE_INFINITY;
    this.#logger = options.logger ?? silentLogger();
    this.#metrics = options.metrics ?? createMetrics();
    this.#clock = options.clock ?? systemClock;
    this.#resolver = new Resolver(
      options.recipes ?? recipeRegistry(),
      options.installers ?? installerRegistry([]),
      options.infrastructures,
    );
    this.#watchers = new Watchers(this.#clock);
    this.#actors = new WorkspaceActors({
      journal: this.#journal,
      infrastructures: this.#infrastructures,
      concurrentStarts: limits.concurrentStarts ?? 2 * availableParallelism(),
      clock: this.#clock,
      logger: this.#logger,
      metrics: this.#metrics,
      published: (events) => this.#publish(events),
    });
    this.#roster = this.#actors.roster;
    this.#reader = new Reader(this.#journal, this.#roster);
    this.#hub = new Hub(
      {
        epoch: this.#journal.epoch,
        bounds: (workspaceId) => this.#journal.bounds(workspaceId),
        events: (query) => this.#journal.events(query),
        view: (workspaceId) => this.#reader.view(workspaceId),
        views: (query) => this.#reader.page(query),
      },
      { metrics: this.#metrics },
    );
  }

  /** Takes up what an earlier supervisor left. */
  open(): void {
    this.#actors.recover();
    for (const row of this.#journal.deletingWorkspaces()) this.#deleteUntilDone(row);
    this.#prune();
  }

  /** A wish to delete is kept: what cannot be deleted now is tried again. */
  #deleteUntilDone(row: WorkspaceRow): void {
    this.#delete(row).catch((error: unknown) => this.#deleteLater(row, error));
  }

  #deleteLater(row: WorkspaceRow, error: unknown): void {
    if (this.#phase === "closed") return;
    this.#logger.error({ err: error, workspaceId: row.workspaceId }, "cannot delete a workspace; trying again");
    this.#clock.setTimeout(() => {
      if (this.#phase !== "closed") this.#deleteUntilDone(row);
    }, DELETE_RETRY_MS);
  }

  get epoch(): string {
    return this.#journal.epoch;
  }

  create(
    input: unknown,
    options: { readonly owner?: string; readonly attributes?: Record<string, string> } = {},
  ): WorkspaceView {
    this.#mustBeOpen("create a workspace");
    const { config } = this.#resolver.validate(input);
    const now = this.#clock.now();
    const row: WorkspaceRow = {
      workspaceId: newWorkspaceId(),
      owner: options.owner ?? DEFAULT_OWNER,
      name: config.name,
      config,
      attributes: { ...config.attributes, ...options.attributes },
      version: 1,
      createdAt: now,
      updatedAt: now,
      instanceId: null,
      status: "STOPPED",
      deletingSince: null,
    };
    this.#actors.change(() => this.#journal.createWorkspace(row, this.#changeOf(row, "created")));
    return this.#view(row);
  }

  update(key: string, input: unknown, options: { readonly version?: number } = {}): WorkspaceView {
    this.#mustBeOpen("update a workspace");
    const current = this.#find(key);
    const { config } = this.#resolver.validate(input);
    if (options.version !== undefined && options.version !== current.version) {
      throw new TroupeError(
        "WORKSPACE_CONFLICT",
        `Cannot update workspace "${current.name}" over version ${options.version}: current version is ${current.version}`,
        { details: { expected: options.version, current: current.version } },
      );
    }
    const row: WorkspaceRow = {
      ...current,
      name: config.name,
      config,
      attributes: { ...current.attributes, ...config.attributes },
      version: current.version + 1,
      updatedAt: this.#clock.now(),
    };
    this.#actors.change(() => {
      const events = this.#journal.updateWorkspace(row, this.#changeOf(row, "updated"));
      this.#roster.get(row.workspaceId)?.keepRow(row);
      return events;
    });
    return this.#view(row);
  }

  get(key: string): WorkspaceView {
    return this.#view(this.#find(key));
  }

  config(key: string): WorkspaceConfig {
    return this.#find(key).config;
  }

  list(query: { owner?: string; status?: WorkspaceStatus; after?: string; limit?: number } = {}): Page<WorkspaceView> {
    this.#upToDate();
    return this.#reader.page({ limit: 100, ...query });
  }

  validate(input: unknown): readonly Warning[] {
    return this.#resolver.validate(input).warnings;
  }

  start(key: string, options: StartOptions = {}): WorkspaceView {
    this.#mustBeOpen("start a workspace");
    const row = this.#find(key);
    if (row.deletingSince !== null) {
      throw new TroupeError("WORKSPACE_CONFLICT", `Cannot start workspace "${row.name}": it is being deleted`);
    }
    const live = this.#roster.get(row.workspaceId);
    if (live !== undefined && (live.instance.desired === "running" || live.next !== null)) return live.view;

    const { environment, infrastructure } = this.#resolver.resolve(row.config, options.environment);
    if (live === undefined) this.#mustBeWithinLimit(row);
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
      lastOutput: [],
    };
    this.#actors.start(row, instance);
    return this.#view(row);
  }

  stop(key: string, options: StopOptions = {}): WorkspaceView {
    const row = this.#find(key);
    const live = this.#roster.get(row.workspaceId);
    const reason = options.reason ?? { by: "user", message: "It was asked to stop" };
    if (live !== undefined) this.#actors.stop(live, reason, options.force ?? false);
    return this.#view(row);
  }

  async delete(key: string): Promise<void> {
    this.#mustBeOpen("delete a workspace");
    const row = this.#find(key);
    if (row.deletingSince === null) {
      const deletingSince = this.#clock.now();
      this.#journal.markDeleting(row.workspaceId, deletingSince);
      this.#roster.get(row.workspaceId)?.keepRow({ ...row, deletingSince });
    }
    try {
      await this.#delete(row);
    } catch (error) {
      this.#deleteLater(row, error);
      throw error;
    }
  }

  async wait(
    key: string,
    condition: WaitCondition,
    { timeoutMs = DEFAULT_WAIT_MS, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<WorkspaceView> {
    const row = this.#find(key);
    const late = (): TroupeError => {
      const { status } = this.#view(row);
      return new TroupeError("WAIT_TIMEOUT", `Workspace "${row.name}" is still ${status} after ${timeoutMs} ms`, {
        details: { status, timeoutMs },
      });
    };
    const withinMs = Math.min(timeoutMs, LONGEST_WAIT_MS);
    return this.#watchers.until(row.workspaceId, () => verdict(this.#view(row), condition), { withinMs, late, signal });
  }

  async why(key: string): Promise<Why> {
    const workspace = this.get(key);
    const { leaf, ...explained } = explain(workspace, this.#clock.now());
    const failed = workspace.failure?.lastLines ?? [];
    const lastLines = failed.length > 0 || leaf === null ? failed : await this.#lastLines(workspace, leaf);
    return { workspace, ...explained, lastLines, events: this.#lastEvents(workspace) };
  }

  events(key: string, query: { after?: number; instanceId?: string; limit?: number } = {}): readonly TroupeEvent[] {
    const { workspaceId } = this.#find(key);
    return this.#journal.events({ after: 0, limit: 100, ...query, workspaceId });
  }

  async export(key: string, { instanceId }: { readonly instanceId?: string } = {}): Promise<Incident> {
    return incidentOf(this.#journal, this.#find(key), { instanceId, exportedAt: this.#clock.now() });
  }

  async *logs(key: string, query: LogQuery = {}): AsyncGenerator<OutputRecord> {
    const { workspaceId, name, instanceId } = this.#find(key);
    const row = instanceId === null ? undefined : this.#journal.instance(instanceId);
    if (row === undefined) return;
    const machines = Object.keys(row.environment.machines);
    if (query.machine !== undefined && !machines.includes(query.machine)) {
      throw new TroupeError("NOT_FOUND", `Workspace "${name}" has no machine "${query.machine}"`, {
        details: { machines },
      });
    }
    const live = this.#roster.get(workspaceId)?.instances.get(row.instanceId);
    if (live === undefined) yield* keptLogs(row, query);
    else yield* liveLogs(live, query, query.signal ?? new AbortController().signal);
  }

  leaks(): readonly LeakRow[] {
    return this.#actors.ledger.rows;
  }

  health(): Health {
    const isClosed = this.#phase === "closed"; // the journal too: what is asked now is whether we are there
    return {
      status: this.#phase === "open" ? "ok" : "closing",
      workspaces: isClosed ? nothing : this.#journal.countWorkspaces(),
      recovering: this.#actors.recovering,
      queuedStarts: this.#actors.queuedStarts,
      leaks: isClosed ? 0 : this.leaks().length,
      infrastructures: [...this.#infrastructures.keys()],
    };
  }

  subscribe(topic: { readonly workspace: string } | "all", options: SubscribeOptions = {}): Subscription {
    this.#upToDate();
    if (topic === "all") return this.#hub.subscribe("all", options);
    return this.#hub.subscribe({ workspaceId: this.#find(topic.workspace).workspaceId }, options);
  }

  suspend(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async terminate({ graceMs = 60_000 }: { readonly graceMs?: number } = {}): Promise<void> {
    if (this.#phase === "open") {
      this.#phase = "terminating";
      const reason = { by: "supervisor" as const, message: "The supervisor ends" };
      const toStop = this.#roster.all.filter(({ instance, next }) => instance.desired === "running" || next !== null);
      for (const workspace of toStop) this.#actors.stop(workspace, reason, false);
      if (!(await this.#allRetired(graceMs))) {
        for (const workspace of this.#roster.all) this.#actors.stop(workspace, reason, true);
        await this.#allRetired(graceMs);
      }
    }
    await this.suspend();
  }

  async #close(): Promise<void> {
    await this.#actors.suspend();
    this.#phase = "closed";
    this.#clock.clearTimeout(this.#pruning);
    this.#clock.clearTimeout(this.#measuring);
    this.#hub.close();
    this.#watchers.close();
    await Promise.all([...this.#infrastructures.values()].map((infrastructure) => infrastructure.close()));
    this.#journal.close();
  }

  #publish(events: readonly TroupeEvent[]): void {
    this.#hub.publish(events);
    for (const workspaceId of new Set(events.map((event) => event.workspaceId))) this.#watchers.changed(workspaceId);
    this.#measuring ??= this.#clock.setTimeout(() => this.#measure(), MEASURE_AFTER_MS);
  }

  #measure(): void {
    this.#measuring = undefined;
    for (const [status, count] of Object.entries(this.#journal.countWorkspaces())) {
      this.#metrics.workspaces.set({ status }, count);
    }
    this.#metrics.queuedStarts.set(this.#actors.queuedStarts);
    this.#metrics.runningStarts.set(this.#actors.startsUnderWay);
    this.#metrics.leaks.set(this.leaks().length);
  }

  /** Stops the workspace if need be; when it has ended, its volumes and its record go. */
  async #delete(row: WorkspaceRow): Promise<void> {
    const { workspaceId } = row;
    const live = this.#roster.get(workspaceId);
    if (live !== undefined && (live.instance.desired === "running" || live.next !== null)) {
      this.#actors.stop(live, { by: "user", message: "It is being deleted" }, false);
    }
    await this.#retired(workspaceId, DELETE_WITHIN_MS);
    this.#mustBeGone(row);
    const { signal } = new AbortController();
    for (const infrastructure of this.#infrastructures.values()) {
      await within(REMOVE_VOLUMES_MS, this.#clock, signal, (given) => infrastructure.removeVolumes(workspaceId, given));
    }
    if (this.#journal.workspace(workspaceId) === undefined) return; // somebody else was deleting it too
    this.#actors.change(() => this.#journal.deleteWorkspace(workspaceId, this.#changeOf(row, "deleted")));
  }

  /** Volumes go last: what is left of an instance may still write to them. */
  #mustBeGone({ workspaceId, name }: WorkspaceRow): void {
    const left = this.leaks().filter((leak) => leak.workspaceId === workspaceId);
    if (left.length === 0) return;
    throw new TroupeError(
      "RESOURCES_LEFT",
      `Cannot delete workspace "${name}" yet: something of it could not be removed`,
      {
        details: { left: left.map(({ kind, id, reason }) => ({ kind, id, reason })) },
      },
    );
  }

  #retired(workspaceId: string, withinMs: number): Promise<true> {
    const late = () =>
      new TroupeError("WAIT_TIMEOUT", `Workspace ${workspaceId} has not stopped within ${withinMs} ms`);
    return this.#watchers.until(
      workspaceId,
      () => (this.#roster.get(workspaceId) === undefined ? { holds: true as const } : "waits"),
      { withinMs, late },
    );
  }

  async #allRetired(withinMs: number): Promise<boolean> {
    await Promise.allSettled(this.#roster.all.map(({ row }) => this.#retired(row.workspaceId, withinMs)));
    return this.#roster.size === 0;
  }

  #changeOf(row: WorkspaceRow, to: "created" | "updated" | "deleted"): NewEvent {
    return {
      workspaceId: row.workspaceId,
      instanceId: null,
      at: this.#clock.now(),
      source: { kind: "workspace" },
      from: null,
      to,
      status: this.#roster.get(row.workspaceId)?.row.status ?? row.status,
      cause: `workspace.${to}`,
      deadlineAt: null,
      budgetMs: null,
      failure: null,
      data: { name: row.name, version: row.version },
    };
  }

  #find(key: string): WorkspaceRow {
    this.#upToDate();
    return this.#reader.find(key);
  }

  #view(row: WorkspaceRow): WorkspaceView {
    const view = this.#reader.view(row.workspaceId);
    if (view !== undefined) return view;
    throw new TroupeError("WORKSPACE_NOT_FOUND", `Workspace "${row.name}" has been deleted`);
  }

  async #lastLines(
    { id, instanceId }: WorkspaceView,
    { machine, installer }: { machine: string; installer: string | null },
  ): Promise<readonly string[]> {
    const live = this.#roster.get(id)?.instances.get(instanceId ?? "");
    if (live === undefined) return [];
    return textOf(await lastLinesOf(live.infrastructure, live.spec, machine, this.#clock), installer);
  }

  #lastEvents({ id, instanceId }: WorkspaceView): readonly TroupeEvent[] {
    if (instanceId === null) return [];
    // An instance has some tens of events for each of its actors: its last page is near its first.
    return this.#journal.events({ workspaceId: id, instanceId, after: 0, limit: 1_000 }).slice(-WHY_EVENTS);
  }

  #mustBeWithinLimit({ owner, name }: WorkspaceRow): void {
    const running = this.#roster.ofOwner(owner);
    const limit = this.#runningPerOwner;
    if (running < limit) return;
    throw new TroupeError(
      "LIMIT_REACHED",
      `Cannot start workspace "${name}": "${owner}" has ${running} that are not stopped, and the limit is ${limit}`,
      { details: { owner, running, limit } },
    );
  }

  #mustBeOpen(what: string): void {
    if (this.#phase === "open") return;
    throw new TroupeError("SUPERVISOR_CLOSED", `Cannot ${what}: the supervisor is ${this.#phase}`);
  }

  /** Commits what the charts have done, so that what is answered is what is told. */
  #upToDate(): void {
    if (this.#phase === "closed") {
      throw new TroupeError("SUPERVISOR_CLOSED", "Cannot answer: the supervisor is closed");
    }
    this.#actors.flush();
  }

  #prune(): void {
    let isMore = false;
    try {
      isMore = this.#journal.prune(this.#clock.now());
    } catch (error) {
      this.#logger.error({ err: error }, "cannot prune the journal");
    }
    this.#pruning = this.#clock.setTimeout(() => this.#prune(), isMore ? 0 : PRUNE_EVERY_MS);
  }
}
