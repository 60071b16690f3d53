import { TroupeError } from "../../errors.ts";
import type { SimulatedInfrastructure } from "../../infrastructure/simulated/index.ts";
import type { Infrastructure, InstanceRef } from "../../infrastructure/spi.ts";
import type { InstanceRow, Journal } from "../../journal/spi.ts";
import type { WorkspaceView } from "../../model/workspace.ts";
import { Laboratory } from "../laboratory.ts";
import { memoryJournal } from "../memory-journal.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { EventLog } from "./event-log.ts";
import { faultOf } from "./fault-of.ts";
import type { playedMachine } from "./machine-run.ts";
import type { Call, Command, Moment, Refusal } from "./moment.ts";
import { randomFrom } from "./random.ts";
import { Reader } from "./reader.ts";
import type { Script, SupervisorConfig, SupervisorStep } from "./script.ts";
import { overheard, recorded } from "./witness.ts";

/** What is spoilt on purpose, to see that the oracles notice; and on what it all is kept. */
export interface RunOptions {
  /** Default: in memory. */
  readonly journal?: () => Journal;
  readonly spoil?: {
    /** The chart of a machine that is alone. */
    readonly machine?: typeof playedMachine;
    readonly journal?: (journal: Journal) => Journal;
    readonly infrastructure?: (infrastructure: Infrastructure, real: SimulatedInfrastructure) => Infrastructure;
  };
}

/** Everything has a budget, and together they are below this: what has not come by then does not. */
const ENDING_LIMIT_MS = 4 * 60 * 60_000;

/** Until sweeps and retries have had their turn after an end; what runs has probes meanwhile. */
const AFTERMATH_MS = { stopped: 200_000, running: 80_000 };

/** What each stream of output keeps: little, so that a flood shows what happens. */
const OUTPUT_LIMIT_BYTES = 4_096;

/** A supervisor on its way through a script, with its users and its subscribers. */
export class SupervisorRun {
  readonly #config: SupervisorConfig;
  readonly #laboratory: Laboratory;
  readonly #readers = [
    new Reader("reads all", "eager"),
    new Reader("comes and goes", "eager"),
    new Reader("is slow", "slow"),
  ];
  /** By place in the config. */
  readonly #workspaces: string[] = [];
  readonly #log: EventLog;
  readonly #commands: Command[] = [];
  readonly #calls: readonly Call[];
  readonly #refusals: Refusal[] = [];
  readonly #instanceIds = new Set<string>();
  readonly #orphans = new Map<string, number>();
  /** Events that the last moment had. */
  #seen = 0;
  #boots = 1;
  #bootedAt = 0;
  #bootedAfter = 0;
  #downMs = 0;
  #downNextMs = 0;
  #blindUntil = 0;
  #blows = 0;

  private constructor(
    config: SupervisorConfig,
    laboratory: Laboratory,
    records: { readonly log: EventLog; readonly calls: readonly Call[] },
  ) {
    this.#config = config;
    this.#laboratory = laboratory;
    this.#log = records.log;
    this.#calls = records.calls;
  }

  static async open(
    { config, seed }: Script & { readonly config: SupervisorConfig },
    options: RunOptions,
  ): Promise<SupervisorRun> {
    const choose = randomFrom(seed);
    const clock = new VirtualClock(1_000_000, choose);
    const log = new EventLog();
    const journal = recorded(options.journal?.() ?? memoryJournal(), log);
    const calls: Call[] = [];
    const laboratory: Laboratory = await Laboratory.open({
      clock,
      journal,
      limits: { concurrentStarts: config.concurrentStarts },
      outputLimitBytes: OUTPUT_LIMIT_BYTES,
      latencyMs: (operation) =>
        operation === "probe" || operation === "output" ? 0 : choose(config.longestOperationMs + 1),
      wrap: {
        journal: (one) => options.spoil?.journal?.(one) ?? one,
        infrastructure: (one) => {
          const spoilt = options.spoil?.infrastructure?.(one, one as SimulatedInfrastructure) ?? one;
          return overheard(spoilt, (operation, { instanceId }, signal) => {
            if (one !== laboratory.infrastructure) return; // the one of a process that is dead
            const desired = journal.instance(instanceId)?.desired ?? null;
            const call = { operation, instanceId, at: clock.now(), desired, abortedAt: null as number | null };
            calls.push(call);
            if (desired === "running") return;
            signal.addEventListener("abort", () => {
              call.abortedAt = clock.now();
            });
          });
        },
      },
    });
    const run = new SupervisorRun(config, laboratory, { log, calls });
    for (const workspace of config.workspaces) run.#workspaces.push(laboratory.supervisor.create(workspace).id);
    run.#attachReaders();
    return run;
  }

  /** Does a step, lets everything come to rest, and says what there is to see. */
  async step(step: SupervisorStep): Promise<Moment> {
    await this.#do(step);
    return this.#rest(false);
  }

  /** Heals all faults, asks for the ending, and gives it the time that it may take. */
  async end(): Promise<Moment> {
    const { ending } = this.#config;
    this.#healAll();
    const living = this.#workspaces.filter((id) => this.#isThere(id));
    for (const id of living) this.#stop(id, false);
    if (ending === "running") for (const id of living) this.#start(id);
    await this.#rest(false);
    const wanted = ending === "running" ? isRunning : isStopped;
    await this.#passUntil(() =>
      this.#laboratory.supervisor.list().rows.every((view) => living.includes(view.id) && wanted(view)),
    );
    await this.#pass(AFTERMATH_MS[ending]);
    for (const reader of this.#readers) if (!reader.isEager) for (let n = 0; n < 1_000; n += 1) reader.read();
    return this.#rest(true);
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) reader.detach();
    this.#laboratory.kill();
  }

  async #do(step: SupervisorStep): Promise<void> {
    const { infrastructure } = this.#laboratory;
    switch (step.do) {
      case "start":
        return this.#withWorkspace(step.of, (id) => this.#start(id));
      case "stop":
        return this.#withWorkspace(step.of, (id) => this.#stop(id, step.force));
      case "delete":
        return this.#withWorkspace(step.of, (id) => this.#delete(id));
      case "nonsense":
        return this.#refuse(step.what);
      case "wait":
        return this.#pass(step.ms);
      case "settle":
        return infrastructure.hurry(step.pick);
      case "exit":
        return this.#withMachine(step, (id) =>
          infrastructure.crash(
            id,
            step.machine,
            step.code === "oom" ? { code: 137, oomKilled: true } : { code: step.code },
          ),
        );
      case "connection":
        return this.#withMachine(step, (id) =>
          step.is === "lost"
            ? infrastructure.away(id, step.machine, "The network is down")
            : infrastructure.back(id, step.machine),
        );
      case "jam":
        return this.#withMachine(step, (id) =>
          infrastructure.jam(id, step.machine, step.isJammed ? "It hangs in the kernel" : null),
        );
      case "serve":
        return this.#withMachine(step, (id) => {
          for (const server of this.#serversOf(id, step.machine)) {
            infrastructure.serve(id, step.machine, server, step.answers);
          }
        });
      case "flood":
        return this.#withMachine(step, (id) => {
          for (let line = 0; line < step.lines; line += 1) infrastructure.print(id, step.machine, `line ${line}`);
        });
      case "fault":
        return infrastructure.inject(faultOf(step));
      case "kill":
        this.#downNextMs = step.downMs;
        if (step.doom === null) this.#laboratory.kill();
        else this.#laboratory.doom(step.doom);
        return;
      case "suspend":
        return this.#suspend();
      case "read":
        return this.#readers[2]?.read();
      case "resubscribe":
        return this.#attach(this.#readers[1]);
    }
  }

  /** A process that dies meanwhile is followed by the next when the step is over. */
  async #pass(ms: number): Promise<void> {
    await this.#laboratory.clock.advanceAsync(ms);
  }

  async #passUntil(condition: () => boolean): Promise<void> {
    const { clock } = this.#laboratory;
    await clock.runUntil(() => condition(), ENDING_LIMIT_MS).catch(() => {}); // who calls looks again
  }

  async #rest(isEnd: boolean): Promise<Moment> {
    await this.#pass(0);
    while (!this.#laboratory.isAlive) await this.#bootNext();
    return this.#moment(isEnd);
  }

  async #bootNext(): Promise<void> {
    const downMs = this.#downNextMs;
    this.#downNextMs = 0;
    await this.#pass(downMs);
    const { clock, diedAt } = this.#laboratory;
    this.#downMs += clock.now() - (diedAt ?? clock.now());
    this.#boots += 1;
    this.#bootedAfter = this.#log.all.at(-1)?.position ?? 0;
    this.#bootedAt = clock.now();
    this.#blindUntil = clock.now();
    await this.#laboratory.boot();
    if (this.#laboratory.isAlive) this.#attachReaders();
    await this.#pass(0); // what was due while nobody was there is due now
  }

  /** An orderly end lets go of what is under way; nobody waits for what does not let go. */
  async #suspend(): Promise<void> {
    const ended = this.#laboratory.supervisor.suspend();
    await Promise.race([ended, this.#laboratory.clock.settle()]);
    this.#laboratory.kill();
  }

  #attachReaders(): void {
    for (const reader of this.#readers) this.#attach(reader);
  }

  #attach(reader: Reader | undefined): void {
    const { supervisor } = this.#laboratory;
    const boots = this.#boots;
    reader?.attach(supervisor, () => this.#laboratory.isAlive && this.#boots === boots);
  }

  #withWorkspace(of: number, work: (workspaceId: string) => void): void {
    const id = this.#workspaces[of];
    if (id !== undefined && this.#isThere(id)) work(id);
  }

  /** Whether a workspace is there to stay. */
  #isThere(workspaceId: string): boolean {
    return this.#laboratory.journal.workspace(workspaceId)?.deletingSince === null;
  }

  /** With the instance of a machine that runs. */
  #withMachine({ of, machine }: { of: number; machine: string }, work: (instanceId: string) => void): void {
    const workspaceId = this.#workspaces[of];
    const { instances } = this.#laboratory.infrastructure.world();
    const instance = instances.findLast((one) => one.workspaceId === workspaceId);
    if (instance?.machines[machine]?.state === "running") work(instance.instanceId);
  }

  #serversOf(instanceId: string, machine: string): readonly string[] {
    return Object.keys(this.#laboratory.journal.instance(instanceId)?.environment.machines[machine]?.servers ?? {});
  }

  #start(workspaceId: string): void {
    this.#command("start", workspaceId, false, () => {
      const { nextInstanceId, instanceId } = this.#laboratory.supervisor.start(workspaceId);
      const id = nextInstanceId ?? instanceId;
      return id === null ? [] : [id];
    });
  }

  #stop(workspaceId: string, force: boolean): void {
    const current = this.#activeOf(workspaceId);
    const isForced = force || current.some(({ desired }) => desired === "stopped");
    this.#command("stop", workspaceId, isForced, () => {
      this.#laboratory.supervisor.stop(workspaceId, { force });
      return current.map(({ instanceId }) => instanceId);
    });
  }

  #delete(workspaceId: string): void {
    const current = this.#activeOf(workspaceId);
    this.#command("delete", workspaceId, false, () => {
      this.#laboratory.supervisor.delete(workspaceId).catch(() => {}); // goes on in the next process
      return current.map(({ instanceId }) => instanceId);
    });
  }

  #activeOf(workspaceId: string): readonly InstanceRow[] {
    return this.#laboratory.journal.activeInstances().filter((row) => row.workspaceId === workspaceId);
  }

  #command(kind: Command["kind"], workspaceId: string, isForced: boolean, give: () => readonly string[]): void {
    const { clock } = this.#laboratory;
    const about = { kind, workspaceId, isForced, at: clock.now(), boots: this.#boots, downMs: this.#downMs };
    const accept = (instances: readonly string[], isAccepted: boolean) =>
      this.#commands.push({ ...about, instances, isAccepted });
    try {
      const instances = give();
      accept(instances, this.#laboratory.isAlive); // who died before it could answer may have accepted it
    } catch (error) {
      accept([], false);
      if (!this.#laboratory.isAlive) return;
      const isRefused = error instanceof TroupeError && kind === "start" && error.code === "WORKSPACE_CONFLICT";
      if (!isRefused) throw error;
    }
  }

  /** Asks for what no supervisor may accept. */
  #refuse(what: "config" | "environment" | "workspace"): void {
    const { supervisor, journal, infrastructure } = this.#laboratory;
    const look = () =>
      JSON.stringify([journal.bounds().last, journal.activeInstances().length, journal.countWorkspaces()]) +
      String(infrastructure.world().underWay.length);
    supervisor.list(); // what the charts have done until now is committed
    const before = look();
    const first = this.#workspaces.find((id) => this.#isThere(id));
    let error: unknown;
    try {
      if (what === "config") supervisor.create(nonsense);
      else if (what === "workspace") supervisor.start("nobody");
      else if (first === undefined) return;
      else supervisor.start(first, { environment: "nowhere" });
    } catch (thrown) {
      error = thrown;
    }
    if (!this.#laboratory.isAlive) return;
    const { code, problems } = error instanceof TroupeError ? error : { code: null, problems: [] };
    const isRunning = what === "environment" && error === undefined; // it runs already, and nothing was looked at
    const after = look();
    if (isRunning && before === after) return;
    const traces = before === after ? [] : [`${before} as ${after}`];
    this.#refusals.push({ what, code, paths: problems.map(({ path }) => path), traces });
  }

  #healAll(): void {
    const { infrastructure } = this.#laboratory;
    this.#laboratory.doom(null);
    infrastructure.heal();
    for (const { instanceId, machines } of infrastructure.world().instances) {
      for (const machine of Object.keys(machines)) {
        infrastructure.back(instanceId, machine);
        infrastructure.jam(instanceId, machine, null);
      }
    }
    this.#blindUntil = this.#laboratory.clock.now();
  }

  #moment(isEnd: boolean): Moment {
    const { journal, clock, infrastructure, supervisor } = this.#laboratory;
    const views = supervisor.list().rows;
    const { all: events, last, listed } = this.#log;
    const fresh = this.#seen;
    this.#seen = events.length;
    for (const { instanceId } of events.slice(fresh)) if (instanceId !== null) this.#instanceIds.add(instanceId);
    for (const { instanceId } of journal.activeInstances()) this.#instanceIds.add(instanceId);
    const instances = new Map([...this.#instanceIds].map((id) => [id, journal.instance(id) ?? null]));
    const world = infrastructure.world();
    this.#lookForOrphans(world.instances, instances);
    const { struck, violations, exits } = infrastructure;
    return {
      now: clock.now(),
      ending: isEnd ? this.#config.ending : null,
      views,
      events,
      last,
      fresh,
      instances,
      deleting: new Set(journal.deletingWorkspaces().map((row) => row.workspaceId)),
      leaks: journal.leaks(),
      world,
      listed,
      trespasses: violations,
      exits,
      orphans: this.#orphans,
      blindUntil: this.#blindUntil,
      calls: this.#calls,
      commands: this.#commands,
      refusals: this.#refusals,
      readers: this.#readers,
      struck,
      boots: this.#boots,
      bootedAt: this.#bootedAt,
      bootedAfter: this.#bootedAfter,
      downMs: this.#downMs,
    };
  }

  #lookForOrphans(there: readonly InstanceRef[], instances: Moment["instances"]): void {
    const { clock, infrastructure } = this.#laboratory;
    const ended = there.filter(({ instanceId }) => {
      const row = instances.get(instanceId);
      return row === undefined || row === null || row.stoppedAt !== null;
    });
    const ids = new Set(ended.map(({ instanceId }) => instanceId));
    for (const id of this.#orphans.keys()) if (!ids.has(id)) this.#orphans.delete(id);
    for (const id of ids) if (!this.#orphans.has(id)) this.#orphans.set(id, clock.now());
    const blows = [...infrastructure.struck].reduce(
      (sum, [kind, count]) => sum + (isAboutLooking(kind) ? count : 0),
      0,
    );
    if (blows > this.#blows) this.#blindUntil = clock.now();
    this.#blows = blows;
  }
}

/** A machine without a command that waits for itself, in an environment of a kind that nobody runs. */
const nonsense = {
  name: "nonsense",
  environment: {
    recipe: { type: "process", content: { machines: { a: { command: 7, dependsOn: { a: "healthy" } } } } },
    machines: { a: { servers: { http: { port: -1 } } }, b: { installers: ["nobody knows it"] } },
  },
};

function isAboutLooking(kind: string): boolean {
  return kind.startsWith("identities") || kind.startsWith("destroy");
}

function isRunning({ state, nextInstanceId }: WorkspaceView): boolean {
  return state === "running.steady" && nextInstanceId === null;
}

function isStopped({ status, nextInstanceId }: WorkspaceView): boolean {
  return status === "STOPPED" && nextInstanceId === null;
}
