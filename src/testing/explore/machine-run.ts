import { type ActorRefFrom, createActor, fromCallback, fromPromise } from "xstate";
import type { Failure } from "../../../machines/failure.ts";
import { type InstallerPortInput, installerLogic, type ScriptEnd } from "../../../machines/installer.ts";
import {
  type BootedMachine,
  type MachineFact,
  type MachineFound,
  type MachineInbox,
  type MachinePortInput,
  machineLogic,
} from "../../../machines/machine.ts";
import type { DeadlineInput } from "../../../machines/port.ts";
import { type ProbeInput, type ServerFact, serverLogic } from "../../../machines/server.ts";
import type { MachineExit } from "../../infrastructure/simulated/index.ts";
import type { ActorRow, InstanceRow, WorkspaceRow } from "../../journal/spi.ts";
import type { Environment } from "../../model/environment.ts";
import { sourceKey, type TroupeEvent } from "../../model/workspace.ts";
import { planOf } from "../../supervisor/plan.ts";
import { PortError } from "../../supervisor/port-error.ts";
import { type Transition, transitionTap } from "../../supervisor/tap.ts";
import { workspaceView } from "../../supervisor/view.ts";
import { environmentOf } from "../environment-of.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { EventLog } from "./event-log.ts";
import { INJECTED } from "./fault-of.ts";
import type { Command, Moment } from "./moment.ts";
import { randomFrom } from "./random.ts";
import type { ChartConfig, ChartStep, Script } from "./script.ts";

/** Promises are all that has to settle: nothing here waits for the end of a turn. */
const TURNS = 1;

const T0 = 1_000_000;

const MACHINE = "web";

/** Work that a chart has begun and a script brings to its end. */
interface Pending {
  readonly name: string;
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

/** The runs that there are now, by instance: the ports, which are provided once, find theirs by it. */
const runs = new Map<string, MachineRun>();

function run(instanceId: string): MachineRun {
  const found = runs.get(instanceId);
  if (found === undefined) throw new Error(`Run ${instanceId} is over`);
  return found;
}

function port<Output, Input extends MachinePortInput>(name: string) {
  return fromPromise<Output, Input>(({ input, signal }) => run(input.instanceId).work<Output>(name, signal));
}

const deadline = fromPromise<never, DeadlineInput>(({ input, signal }) =>
  run(input.instanceId).deadline(input, signal),
);

/** A machine's chart on ports that a script plays. Others may be provided on top of it, to see that the oracles notice. */
export const playedMachine = machineLogic.provide({
  actors: {
    deadline,
    fetchImage: port<void, MachinePortInput>("fetchImage"),
    createMachine: port<void, MachinePortInput>("createMachine"),
    bootMachine: port<BootedMachine, MachinePortInput>("bootMachine"),
    stopMachine: port<void, MachinePortInput>("stopMachine"),
    killMachine: port<void, MachinePortInput>("killMachine"),
    removeMachine: port<void, MachinePortInput>("removeMachine"),
    watchMachine: fromCallback<{ type: string }, MachinePortInput>(({ input, sendBack }) =>
      run(input.instanceId).watch(sendBack),
    ),
    installer: installerLogic.provide({
      actors: {
        deadline,
        runScript: port<ScriptEnd, InstallerPortInput>("runScript"),
        awaitServers: port<void, InstallerPortInput>("awaitServers"),
      },
    }),
    server: serverLogic.provide({
      actors: {
        deadline,
        probe: fromCallback<{ type: string }, ProbeInput>(({ input, sendBack }) =>
          run(input.instanceId).probe(sendBack),
        ),
      },
    }),
  },
});

/** Hears what a machine tells its workspace, and does nothing about it. */
const deaf: MachineInbox = createActor(fromCallback(() => {})).start() as unknown as MachineInbox;

let number = 0;

/** The chart of one machine on its way through a script. */
export class MachineRun {
  readonly #id: string;
  readonly #clock: VirtualClock;
  readonly #environment: Environment;
  readonly #actor: ActorRefFrom<typeof playedMachine>;
  readonly #transitions: (Transition & { readonly at: number })[] = [];
  readonly #log = new EventLog();
  readonly #actors = new Map<string, ActorRow>();
  readonly #commands: Command[] = [];
  readonly #exits: MachineExit[] = [];
  readonly #deadlines = new Map<string, Map<string, { readonly at: number; readonly budgetMs: number }>>();
  #pending: Pending[] = [];
  readonly #watchers = new Set<(fact: MachineFact) => void>();
  readonly #probes = new Set<(fact: ServerFact) => void>();
  #error: unknown;

  constructor(
    { config, seed }: Script & { readonly config: ChartConfig },
    logic: typeof playedMachine = playedMachine,
  ) {
    number += 1;
    this.#id = `instance-${number}`;
    runs.set(this.#id, this);
    this.#clock = new VirtualClock(T0, randomFrom(seed));
    this.#environment = environmentFrom(config);
    const plan = planOf(this.#environment).machines[MACHINE];
    if (plan === undefined) throw new Error("The environment has no machine");
    this.#actor = createActor(logic, {
      input: { instanceId: this.#id, plan, found: foundBy(config), inbox: deaf },
      clock: {
        setTimeout: (callback, ms) => this.#clock.setTimeout(callback, ms),
        clearTimeout: (timer) => this.#clock.clearTimeout(timer),
      },
      inspect: transitionTap(
        (transition) => this.#transitions.push({ ...transition, at: this.#clock.now() }),
        (error) => this.#fail(error),
      ),
    });
    this.#actor.subscribe({ error: (error) => this.#fail(error) });
    this.#actor.start();
  }

  async step(step: ChartStep): Promise<Moment> {
    this.#do(step);
    await this.#clock.advanceAsync(step.do === "pass" ? step.ms : 0, TURNS);
    return this.#moment(false);
  }

  /** Asks it to stop, and lets every port hang: the budgets alone have to bring it to its end. */
  async end(): Promise<Moment> {
    this.#do({ do: "command", command: "stop" });
    const { budgets } = planOf(this.#environment);
    await this.#clock.advanceAsync(budgets.haltMs + budgets.settleMs + budgets.destroyMs, TURNS);
    return this.#moment(true);
  }

  async close(): Promise<void> {
    this.#actor.stop();
    runs.delete(this.#id);
  }

  /** For a port: settles when a step says so. */
  work<Output>(name: string, signal: AbortSignal): Promise<Output> {
    return new Promise((resolve, reject) => {
      const pending: Pending = { name, resolve: resolve as (output: unknown) => void, reject };
      this.#pending.push(pending);
      signal.addEventListener("abort", () => {
        this.#pending = this.#pending.filter((other) => other !== pending);
        reject(signal.reason);
      });
    });
  }

  deadline({ source, state, budgetMs, what }: DeadlineInput, signal: AbortSignal): Promise<never> {
    const key = sourceKey(source);
    const running = this.#deadlines.get(key) ?? new Map<string, { at: number; budgetMs: number }>();
    this.#deadlines.set(key, running.set(state, { at: this.#clock.now() + budgetMs, budgetMs }));
    return new Promise((_, reject) => {
      const timer = this.#clock.setTimeout(() => {
        running.delete(state);
        reject(
          new PortError("DEADLINE_EXCEEDED", `${what} took longer than ${budgetMs} ms`, {
            at: this.#clock.now(),
            budgetMs,
          }),
        );
      }, budgetMs);
      signal.addEventListener("abort", () => {
        running.delete(state);
        this.#clock.clearTimeout(timer);
      });
    });
  }

  watch(tell: (fact: MachineFact) => void): () => void {
    this.#watchers.add(tell);
    return () => this.#watchers.delete(tell);
  }

  probe(tell: (fact: ServerFact) => void): () => void {
    this.#probes.add(tell);
    return () => this.#probes.delete(tell);
  }

  #do(step: ChartStep): void {
    if (step.do === "command") this.#command(step.command);
    else if (step.do === "port") this.#settle(step.pick, step.outcome);
    else if (step.do === "fact") this.#tell(factOf(step.fact, this.#clock.now()));
    else if (step.do === "probe") this.#answer(step.pick, step.passed);
  }

  #tell(fact: MachineFact): void {
    if (fact.type === "watch.exited" && fact.exit !== null) {
      this.#exits.push({ instanceId: this.#id, machine: MACHINE, exit: fact.exit });
    }
    for (const tell of this.#watchers) tell(fact);
  }

  #answer(pick: number, passed: boolean): void {
    const probes = [...this.#probes];
    probes[pick % probes.length]?.({ type: passed ? "probe.answered" : "probe.missed", message: "a probe" });
  }

  #command(command: "start" | "stop" | "kill"): void {
    this.#actor.send({ type: `machine.${command}` });
    const kind = command === "start" ? "start" : "stop";
    const isForced = command === "kill";
    const about = { workspaceId: this.#id, instances: [this.#id], at: this.#clock.now(), boots: 1, downMs: 0 };
    this.#commands.push({ ...about, kind, isForced, isAccepted: kind === "stop" });
  }

  #settle(pick: number, outcome: "done" | "failed"): void {
    const pending = this.#pending[pick % this.#pending.length];
    if (pending === undefined) return;
    this.#pending = this.#pending.filter((other) => other !== pending);
    const at = this.#clock.now();
    if (pending.name === "runScript")
      pending.resolve({ exit: exitWith(outcome === "done" ? 0 : 3, at), lastLines: ["a line"] });
    else if (outcome === "done") pending.resolve({ urls: {}, attributes: {} });
    else pending.reject(new PortError("INFRASTRUCTURE_UNAVAILABLE", `${INJECTED}: ${pending.name} failed`, { at }));
  }

  #fail(error: unknown): void {
    this.#error ??= error;
  }

  /** @throws what a chart threw: no chart may */
  #moment(isEnd: boolean): Moment {
    if (this.#error !== undefined) throw this.#error;
    const { all: events, last } = this.#log;
    const fresh = events.length;
    this.#record();
    const instance = this.#instance();
    return {
      ...nothingElse,
      now: this.#clock.now(),
      ending: isEnd ? "stopped" : null,
      views: [workspaceView(this.#workspace(instance), instance, this.#actors)],
      events,
      last,
      fresh,
      instances: new Map([[this.#id, instance]]),
      commands: this.#commands,
      exits: this.#exits,
    };
  }

  /** As the supervisor's recorder does: the last of each actor in a turn has the deadline that runs. */
  #record(): void {
    const transitions = this.#transitions.splice(0);
    const last = new Map(transitions.map(({ source }, index) => [sourceKey(source), index]));
    for (const [index, transition] of transitions.entries()) {
      const key = sourceKey(transition.source);
      const running = last.get(key) === index ? [...(this.#deadlines.get(key)?.values() ?? [])] : [];
      const [next] = running.sort((one, other) => one.at - other.at);
      const position = this.#log.all.length + 1;
      const numbers = { position, sequence: position, deadlineAt: next?.at ?? null, budgetMs: next?.budgetMs ?? null };
      const event: TroupeEvent = { ...transition, ...numbers, workspaceId: this.#id };
      this.#log.add([event]);
      this.#actors.set(key, { ...event, instanceId: this.#id, state: event.to });
    }
  }

  #workspace({ stoppedAt }: InstanceRow): WorkspaceRow {
    const status = stoppedAt === null ? "RUNNING" : "STOPPED";
    return { ...workspace, workspaceId: this.#id, instanceId: this.#id, status };
  }

  #instance(): InstanceRow {
    const value = this.#actor.getSnapshot().value;
    const hasEnded = value === "stopped" || value === "completed" || value === "failed";
    return {
      ...instanceBefore,
      workspaceId: this.#id,
      instanceId: this.#id,
      environment: this.#environment,
      stoppedAt: hasEnded ? this.#clock.now() : null,
      desired: this.#commands.some(({ kind }) => kind === "stop") ? "stopped" : "running",
    };
  }
}

const workspace: WorkspaceRow = {
  workspaceId: "",
  owner: "default",
  name: "alone",
  config: {
    name: "alone",
    description: "",
    attributes: {},
    defaultEnv: "default",
    environments: {},
    commands: [],
    projects: [],
  },
  attributes: {},
  version: 1,
  createdAt: T0,
  updatedAt: T0,
  instanceId: null,
  status: "STOPPING",
  deletingSince: null,
};

const instanceBefore: Omit<InstanceRow, "workspaceId" | "instanceId" | "environment"> = {
  infrastructure: "played",
  desired: "running",
  forced: false,
  priority: 0,
  createdAt: T0,
  readyAt: null,
  stoppedAt: null,
  stopReason: null,
  failure: null,
  warnings: [],
  lastOutput: [],
};

/** What there is of a supervisor around a chart that is alone. */
const nothingElse = {
  deleting: new Set<string>(),
  leaks: [],
  world: { instances: [], volumes: [], ports: [], underWay: [] },
  listed: new Set<string>(),
  trespasses: [],
  exits: [],
  orphans: new Map<string, number>(),
  blindUntil: 0,
  calls: [],
  refusals: [],
  readers: [],
  struck: new Map<string, number>(),
  boots: 1,
  bootedAt: T0,
  bootedAfter: 0,
  downMs: 0,
};

function environmentFrom({ installers, servers, restart, maxRestarts }: ChartConfig): Environment {
  const names = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name}${index}`);
  const [first] = names(servers, "server");
  return environmentOf({
    machines: {
      [MACHINE]: {
        installers: names(installers, "installer").map((id) => ({ id, servers: first === undefined ? [] : [first] })),
        servers: Object.fromEntries(
          names(servers, "server").map((name) => [name, { liveness: { failureThreshold: 2 } }]),
        ),
        restart: { restart, maxRestarts },
      },
    },
  });
}

function foundBy({ was, is, servers }: ChartConfig): MachineFound {
  const hasServers = was === "ready";
  return {
    was,
    is,
    crashes: [],
    servers: Object.fromEntries(
      hasServers
        ? Array.from({ length: servers }, (_, index) => [`server${index}`, index === 0 ? "running" : "stopped"])
        : [],
    ),
    urls: {},
    attributes: {},
    failure: was === "failed" ? earlierFailure : null,
    exit: is === "exited" ? exitWith(1, T0 - 1_000) : null,
  };
}

const earlierFailure: Failure = {
  class: "infrastructure",
  code: "MACHINE_EXITED",
  message: "It exited before",
  source: { kind: "machine", machine: MACHINE },
  state: "running",
  at: T0 - 1_000,
  budgetMs: null,
  exit: null,
  lastLines: [],
};

function factOf(fact: Extract<ChartStep, { do: "fact" }>["fact"], at: number): MachineFact {
  switch (fact) {
    case "away":
      return { type: "watch.away", reason: "The network is down" };
    case "back":
      return { type: "watch.back" };
    case "exit 0":
    case "exit 1":
      return { type: "watch.exited", exit: exitWith(fact === "exit 0" ? 0 : 1, at), at, lastLines: ["a line"] };
  }
}

function exitWith(code: number, at: number) {
  return { code, signal: null, oomKilled: false, at };
}
