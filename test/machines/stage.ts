/**
 * A chart on a stage: it runs as a live actor with all its children, and the test plays every port.
 *
 * Nothing settles and no time passes until the test says so; what the charts ask for, report and show is on record.
 */
import {
  type ActorOptions,
  type AnyActorRef,
  type AnyStateMachine,
  createActor,
  type EventObject,
  fromTransition,
  type InputFrom,
} from "xstate";
import { stateName } from "../../machines/failure.ts";
import { type InstallerInput, installerLogic } from "../../machines/installer.ts";
import { type MachineInput, machineLogic } from "../../machines/machine.ts";
import { type ServerInput, serverLogic } from "../../machines/server.ts";
import { type Recovered, workspaceLogic } from "../../machines/workspace.ts";
import { type Transition, transitionTap } from "../../src/supervisor/tap.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type Call, isEndless, ManualPorts, nameOf } from "./manual-ports.ts";
import { exitOf, newMachine, portFailure } from "./plans.ts";

/** What each port answers when all goes well. */
const wellDone: Readonly<Record<string, unknown>> = {
  bootMachine: { urls: {}, attributes: {} },
  destroy: { left: 0 },
  observe: { machines: {} },
  runScript: { exit: exitOf(0), lastLines: [] },
};

export class Stage {
  readonly clock = new VirtualClock(1_000_000);
  readonly transitions: Transition[] = [];
  /** What the chart told whoever owns it. */
  readonly reports: EventObject[] = [];
  /** Whatever went wrong in an actor or in the tap. */
  readonly errors: unknown[] = [];
  readonly actor: AnyActorRef;
  readonly #ports: ManualPorts;

  private constructor(actor: (stage: Stage, ports: ManualPorts, inbox: AnyActorRef) => AnyActorRef) {
    this.#ports = new ManualPorts();
    const inbox = createActor(fromTransition((_, report: EventObject) => void this.reports.push(report), undefined));
    this.actor = actor(this, this.#ports, inbox.start());
    this.actor.subscribe({ error: (error) => this.errors.push(error) });
    this.actor.start();
  }

  static workspace(recovered: Recovered | null = null): Stage {
    return new Stage((stage, ports) => stage.#begin(playedWorkspace(ports), { workspaceId: "ws-1", recovered }));
  }

  static machine(input: Pick<MachineInput, "plan"> & Partial<MachineInput>): Stage {
    return new Stage((stage, ports, inbox) => {
      return stage.#begin(playedMachine(ports), { instanceId: "i-1", found: newMachine, inbox, ...input });
    });
  }

  static installer(input: Pick<InstallerInput, "plan"> & Partial<InstallerInput>): Stage {
    return new Stage((stage, ports, inbox) => {
      return stage.#begin(playedInstaller(ports), { instanceId: "i-1", isDone: false, inbox, ...input });
    });
  }

  static server(input: Pick<ServerInput, "plan"> & Partial<ServerInput>): Stage {
    return new Stage((stage, ports, inbox) => {
      return stage.#begin(playedServer(ports), { instanceId: "i-1", url: null, found: "unknown", inbox, ...input });
    });
  }

  #begin<Logic extends AnyStateMachine>(logic: Logic, input: InputFrom<Logic>): AnyActorRef {
    const inspect = transitionTap(
      (transition) => this.transitions.push(transition),
      (error) => this.errors.push(error),
    );
    return createActor(logic, { input, clock: this.clock, inspect } as unknown as ActorOptions<Logic>);
  }

  get state(): string {
    return this.stateOf();
  }

  /** The state of a child, or of a child's child; empty if it is not there. */
  stateOf(...path: readonly string[]): string {
    const actor = path.reduce<AnyActorRef | undefined>((parent, id) => parent?.getSnapshot().children[id], this.actor);
    return actor === undefined ? "" : stateName(actor.getSnapshot().value);
  }

  get context() {
    return this.actor.getSnapshot().context;
  }

  get isBusy(): boolean {
    return this.actor.getSnapshot().hasTag("busy");
  }

  /** What one actor showed, oldest first: `starting.queued`, … */
  shown(source: Transition["source"]): string[] {
    const key = JSON.stringify(source);
    return this.transitions.filter((one) => JSON.stringify(one.source) === key).map(({ to }) => to);
  }

  /** Everything that was ever asked for, oldest first, budgets left out. */
  get asked(): string[] {
    return this.#ports.calls.filter(({ port }) => port !== "deadline").map(nameOf);
  }

  /** What is asked for and not over yet, oldest first. */
  get open(): Call[] {
    return this.#ports.calls.filter(({ isOver }) => !isOver);
  }

  /** @throws {Error} if nobody asks for it now */
  call(name: string): Call {
    const call = this.open.findLast((one) => nameOf(one) === name);
    if (call === undefined) throw new Error(`Nobody asks for "${name}", only for: ${this.open.map(nameOf).join(", ")}`);
    return call;
  }

  send(event: EventObject): void {
    this.actor.send(event);
  }

  tell(name: string, fact: EventObject): void {
    this.call(name).tell(fact);
  }

  /** A port does its work as it does when all goes well. */
  answer(call: Call | undefined): void {
    call?.resolve(wellDone[call.port]);
  }

  /** A port does its work. */
  async finish(name: string, output?: unknown): Promise<void> {
    const call = this.call(name);
    call.resolve(output ?? wellDone[call.port]);
    await settled();
  }

  async fail(name: string, error: unknown = portFailure("MACHINE_FAILED")): Promise<void> {
    this.call(name).reject(error);
    await settled();
  }

  /** A budget is used up: `expire("web starting.booting")`. */
  async expire(state: string): Promise<void> {
    const call = this.call(`deadline ${state}`);
    call.reject(portFailure("DEADLINE_EXCEEDED", { budgetMs: call.input.budgetMs ?? null, at: this.clock.now() }));
    await settled();
  }

  /** All ports do their work, one after the other, until nothing is asked for but what is endless or `held`. */
  async finishAll(held: readonly string[] = []): Promise<void> {
    for (;;) {
      const next = this.open.find(
        (call) => !isEndless(call) && !held.includes(nameOf(call)) && !held.includes(call.port),
      );
      if (next === undefined) return;
      this.answer(next);
      await settled();
    }
  }
}

/** Lets promises run on; no time passes. */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}

function playedServer({ port, source }: ManualPorts) {
  return serverLogic.provide({ actors: { deadline: port("deadline"), probe: source("probe") } });
}

function playedInstaller({ port }: ManualPorts) {
  return installerLogic.provide({
    actors: { deadline: port("deadline"), runScript: port("runScript"), awaitServers: port("awaitServers") },
  });
}

function playedMachine(ports: ManualPorts) {
  const { port, source } = ports;
  return machineLogic.provide({
    actors: {
      deadline: port("deadline"),
      fetchImage: port("fetchImage"),
      createMachine: port("createMachine"),
      bootMachine: port("bootMachine"),
      stopMachine: port("stopMachine"),
      killMachine: port("killMachine"),
      removeMachine: port("removeMachine"),
      watchMachine: source("watchMachine"),
      installer: playedInstaller(ports),
      server: playedServer(ports),
    },
  });
}

function playedWorkspace(ports: ManualPorts) {
  const { port } = ports;
  return workspaceLogic.provide({
    actors: {
      deadline: port("deadline"),
      admit: port("admit"),
      prepare: port("prepare"),
      observe: port("observe"),
      settle: port("settle"),
      destroy: port("destroy"),
      machine: playedMachine(ports),
    },
  });
}
