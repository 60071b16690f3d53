import type { Exit } from "../../../machines/failure.ts";
import { TroupeError } from "../../errors.ts";
import type { ProbeSpec } from "../../model/environment.ts";
import type { Clock } from "../../supervisor/api.ts";
import type {
  ExecRequest,
  Infrastructure,
  Instance,
  InstanceRef,
  Leak,
  MachineFact,
  MachineFile,
  Observation,
  OutputCursor,
  OutputOptions,
  OutputRecord,
  ProbeResult,
  Progress,
  ServerAddress,
  StartedMachine,
} from "../spi.ts";
import { abortable } from "./abortable.ts";
import { type Call, Calls, type CallUnderWay, type Latency } from "./calls.ts";
import { type Fault, Faults, type Operation } from "./faults.ts";
import { garbled } from "./garbled.ts";
import type { Machine } from "./machine.ts";
import type { SimulatedProgram } from "./process.ts";
import { builtInPrograms, idle, notFound, type SimulatedPrograms, succeed } from "./programs.ts";
import { type MachineExit, type Violation, World } from "./world.ts";

/** How the pretend place behaves. Everything takes no time and succeeds by default. */
export interface SimulatedInfrastructureOptions {
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly latencyMs?: Latency;
  /** By the first word of a command. What is not among them and not built in (`programs.ts`) runs until it is ended. */
  readonly programs?: SimulatedPrograms;
  /** By the id of an exec, such as an installer's. What is neither here nor in `programs` ends well, at once. */
  readonly execs?: Readonly<Record<string, SimulatedProgram>>;
  /** What is kept of each stream of output, in bytes; default 1 MiB. */
  readonly outputLimitBytes?: number;
}

export interface SimulatedMachineView extends Pick<Observation["machines"][string], "state" | "exit" | "started"> {
  /** By id: how each ended; `null` while it runs. */
  readonly execs: Readonly<Record<string, Exit | null>>;
  /** By path. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
}

/** All that exists. Plain data. */
export interface SimulatedWorldView {
  /** Oldest first. */
  readonly instances: readonly (InstanceRef & { readonly machines: Readonly<Record<string, SimulatedMachineView>> })[];
  readonly volumes: readonly { readonly workspaceId: string; readonly name: string }[];
  /** `tcp 8080`. */
  readonly ports: readonly string[];
  /** What may still have an effect. */
  readonly underWay: readonly Call[];
}

/**
 * Infrastructure without machines: for tests, demos and benchmarks.
 *
 * It keeps the whole contract, is deterministic, and has a control for each way in which things go wrong.
 */
export interface SimulatedInfrastructure extends Infrastructure {
  /** The next operation that fits goes wrong. Several faults strike in the order in which they were given. */
  inject(fault: Fault): void;
  /** Takes back all faults that have not struck. */
  heal(): void;
  /** How often each kind of fault has struck: `createMachine late`. */
  readonly struck: ReadonlyMap<string, number>;
  /** Ends the time that an operation takes. `index`: its place among those under way (`world().underWay`), counted around. */
  hurry(index: number): void;
  /** Ends a machine's command; default: code 1. */
  crash(instanceId: string, machine: string, exit?: Partial<Exit>): void;
  /** Ends a machine's command with code 0. */
  finish(instanceId: string, machine: string): void;
  /** The connection to a machine is lost: until it is `back`, it runs, but nothing can be done with it. */
  away(instanceId: string, machine: string, reason: string): void;
  back(instanceId: string, machine: string): void;
  /** The machine cannot be removed until `reason` is `null`. */
  jam(instanceId: string, machine: string, reason: string | null): void;
  /** Lets a machine's command, or one of its installers, write a line. */
  print(instanceId: string, machine: string, line: string, installer?: string): void;
  /** Whether a server answers. All do from when their machine runs. */
  serve(instanceId: string, machine: string, server: string, answers: boolean): void;
  /** Whether a server answers at the address. */
  probeServer(address: { readonly host: string; readonly port: number }): boolean;
  world(): SimulatedWorldView;
  /** What no supervisor may do, and this one did. */
  readonly violations: readonly Violation[];
  /** How machines have ended, newest last; the last thousand. */
  readonly exits: readonly MachineExit[];
  /**
   * The same place, as the next process finds it. Unless this object was closed, it is cut off, as if its process had
   * been killed: what is under way still has its effect, but nothing that was or will be called ever settles.
   */
  reopen(): SimulatedInfrastructure;
}

export function simulatedInfrastructure(options: SimulatedInfrastructureOptions = {}): SimulatedInfrastructure {
  const clock = options.clock ?? systemClock;
  const faults = new Faults();
  return new Simulation({
    world: new World({ clock, outputLimitBytes: options.outputLimitBytes ?? 1024 * 1024 }),
    faults,
    calls: new Calls(clock, faults, options.latencyMs ?? {}),
    programs: { ...builtInPrograms, ...options.programs },
    execs: options.execs ?? {},
  });
}

/** What stays when the process that used it is gone. */
interface Place {
  readonly world: World;
  readonly faults: Faults;
  readonly calls: Calls;
  readonly programs: SimulatedPrograms;
  readonly execs: Readonly<Record<string, SimulatedProgram>>;
}

class Simulation implements SimulatedInfrastructure {
  readonly name = "simulated";
  /** Environments of processes run here as they are, only not really. */
  readonly recipeTypes = ["process", "simulated"];
  readonly #place: Place;
  readonly #followers = new Set<AbortController>();
  /** Machines that this object's caller knows to run. */
  readonly #known = new WeakSet<Machine>();
  #isClosed = false;
  #isCutOff = false;

  constructor(place: Place) {
    this.#place = place;
  }

  async prepare(instance: Instance, signal: AbortSignal, progress: Progress) {
    return this.#call("prepare", instance, null, signal, (_, { fault, abandoned }) => {
      progress({ message: "Preparing", current: 0, total: 1, unit: "steps" });
      this.#place.world.prepare(instance, { inPart: fault.inPart ?? false, isLate: abandoned });
      progress({ message: "Prepared", current: 1, total: 1, unit: "steps" });
      return { warnings: [] };
    });
  }

  async fetchImage(instance: Instance, machine: string, signal: AbortSignal, progress: Progress): Promise<void> {
    await this.#call("fetchImage", instance, machine, signal, () => {
      progress({ message: `Looking for the program of "${machine}"`, current: 0, total: 1, unit: "steps" });
      this.#programOf(instance, machine);
      progress({ message: `Found the program of "${machine}"`, current: 1, total: 1, unit: "steps" });
    });
  }

  async createMachine(instance: Instance, machine: string, signal: AbortSignal): Promise<void> {
    await this.#call("createMachine", instance, machine, signal, () =>
      this.#place.world.createMachine(instance, machine),
    );
  }

  async startMachine(instance: Instance, machine: string, signal: AbortSignal): Promise<StartedMachine> {
    const { world } = this.#place;
    this.#judgeStart(instance, machine);
    return this.#call("startMachine", instance, machine, signal, () => {
      const started = world.startMachine(instance, machine, this.#programOf(instance, machine));
      const there = world.machine(instance, machine);
      if (there !== undefined && !signal.aborted) this.#known.add(there);
      return started;
    });
  }

  async stopMachine(ref: InstanceRef, machine: string, graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#call("stopMachine", ref, machine, signal, async (stopping) => {
      const there = this.#place.world.machine(ref, machine);
      there?.assertReachable();
      await there?.stop(graceMs, stopping);
    });
  }

  async removeMachine(ref: InstanceRef, machine: string, signal: AbortSignal): Promise<void> {
    await this.#call("removeMachine", ref, machine, signal, () => this.#place.world.removeMachine(ref, machine));
  }

  async exec(instance: Instance, machine: string, request: ExecRequest, signal: AbortSignal): Promise<Exit> {
    const { world, execs, programs } = this.#place;
    return this.#call("exec", instance, machine, signal, (stopping) => {
      const program = execs[request.id] ?? find(programs, request.command);
      return abortable(
        world.exec(instance, machine, request, program === null ? notFound : (program ?? succeed)).ended,
        stopping,
      );
    });
  }

  async put(ref: InstanceRef, machine: string, files: readonly MachineFile[], signal: AbortSignal): Promise<void> {
    await this.#call("put", ref, machine, signal, () => this.#place.world.put(ref, machine, files));
  }

  async *output(
    ref: InstanceRef,
    machine: string,
    cursor: OutputCursor,
    options: OutputOptions,
    signal: AbortSignal,
  ): AsyncGenerator<OutputRecord> {
    const output = await this.#call("output", ref, machine, signal, () => this.#place.world.output(ref, machine));
    if (output !== undefined) yield* this.#follow(signal, (following) => output.read(cursor, options, following));
  }

  async *watch(ref: InstanceRef, machine: string, signal: AbortSignal): AsyncGenerator<MachineFact> {
    const { there, reports } = await this.#call("watch", ref, machine, signal, (_, { fault }) => ({
      there: this.#place.world.machine(ref, machine),
      reports: fault.reports,
    }));
    if (there !== undefined) {
      yield* garbled(
        this.#follow(signal, (following) => there.watch(following)),
        reports,
      );
    } else
      yield { type: "exited", exit: { code: null, signal: null, oomKilled: false, at: this.#place.world.clock.now() } };
  }

  async observe(ref: InstanceRef, signal: AbortSignal): Promise<Observation> {
    return this.#call("observe", ref, null, signal, (_, { fault }) =>
      fault.lies ? { exists: false, machines: {} } : this.#place.world.observe(ref),
    );
  }

  async identities(signal: AbortSignal): Promise<readonly InstanceRef[]> {
    return this.#call("identities", null, null, signal, (_, { fault }) =>
      (fault.lies ? [] : [...this.#place.world.instances.values()]).map(({ workspaceId, instanceId }) => ({
        workspaceId,
        instanceId,
      })),
    );
  }

  async destroy(ref: InstanceRef, signal: AbortSignal): Promise<readonly Leak[]> {
    return this.#call("destroy", ref, null, signal, (_, { fault }) => {
      this.#place.calls.interrupt(ref.instanceId);
      return this.#place.world.destroy(ref, fault.inPart);
    });
  }

  async removeVolumes(workspaceId: string, signal: AbortSignal): Promise<void> {
    await this.#call("removeVolumes", null, null, signal, () => this.#place.world.removeVolumes(workspaceId));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const follower of this.#followers) follower.abort();
  }

  inject(fault: Fault): void {
    this.#place.faults.add(fault);
  }

  heal(): void {
    this.#place.faults.clear();
  }

  get struck(): ReadonlyMap<string, number> {
    return this.#place.faults.struck;
  }

  hurry(index: number): void {
    this.#place.calls.hurry(index);
  }

  crash(instanceId: string, machine: string, exit: Partial<Exit> = { code: 1 }): void {
    this.#machine(instanceId, machine).end(exit);
  }

  finish(instanceId: string, machine: string): void {
    this.crash(instanceId, machine, { code: 0 });
  }

  away(instanceId: string, machine: string, reason: string): void {
    this.#machine(instanceId, machine).reach(reason);
  }

  back(instanceId: string, machine: string): void {
    this.#machine(instanceId, machine).reach(null);
  }

  jam(instanceId: string, machine: string, reason: string | null): void {
    this.#machine(instanceId, machine).jammed = reason;
  }

  print(instanceId: string, machine: string, line: string, installer: string | null = null): void {
    this.#machine(instanceId, machine).output.print(installer, line, this.#place.world.clock.now());
  }

  serve(instanceId: string, machine: string, server: string, answers: boolean): void {
    this.#machine(instanceId, machine).serve(server, answers);
  }

  async probe(_spec: ProbeSpec, address: ServerAddress, signal: AbortSignal): Promise<ProbeResult> {
    try {
      return await this.#call("probe", null, null, signal, () => {
        const passed = this.probeServer(address);
        return { passed, message: passed ? "the server answered" : "the server did not answer" };
      });
    } catch {
      signal.throwIfAborted();
      return { passed: false, message: "the probe failed" };
    }
  }

  probeServer({ port }: { readonly host: string; readonly port: number }): boolean {
    const { world } = this.#place;
    const holder = world.ports.holder(port);
    if (holder === undefined) return false;
    return world.instances.get(holder.instanceId)?.machines.get(holder.machine)?.answers(holder.server) ?? false;
  }

  world(): SimulatedWorldView {
    const { world, calls } = this.#place;
    return { ...viewOf(world), underWay: calls.underWay };
  }

  get violations(): readonly Violation[] {
    return this.#place.world.violations;
  }

  get exits(): readonly MachineExit[] {
    return this.#place.world.exits;
  }

  reopen(): SimulatedInfrastructure {
    this.#isCutOff = !this.#isClosed;
    this.#place.calls.abandon();
    for (const follower of this.#followers) follower.abort();
    return new Simulation(this.#place);
  }

  async #call<T>(
    operation: Operation,
    ref: InstanceRef | null,
    machine: string | null,
    signal: AbortSignal,
    effect: (signal: AbortSignal, call: CallUnderWay) => T | Promise<T>,
  ): Promise<T> {
    if (this.#isCutOff) await never();
    try {
      return await this.#place.calls.run({ operation, instanceId: ref?.instanceId ?? null, machine }, signal, effect);
    } finally {
      if (this.#isCutOff) await never();
    }
  }

  /** Reads a stream until `signal` aborts or this object is closed. */
  async *#follow<T>(signal: AbortSignal, open: (signal: AbortSignal) => AsyncIterable<T>): AsyncGenerator<T> {
    const following = new AbortController();
    const end = () => following.abort();
    this.#followers.add(following);
    signal.addEventListener("abort", end);
    if (signal.aborted || this.#isClosed) end();
    try {
      yield* open(following.signal);
      if (this.#isCutOff) await never();
    } finally {
      this.#followers.delete(following);
      signal.removeEventListener("abort", end);
    }
  }

  #judgeStart(instance: Instance, name: string): void {
    const { world, calls } = this.#place;
    const machine = world.machine(instance, name);
    if (machine?.state === "running" && this.#known.has(machine)) {
      world.violate("a machine is started once", `"${name}" of "${instance.instanceId}" is started while it runs`);
    }
    const other = calls.underWay.find(
      (call) =>
        call.instanceId === instance.instanceId && call.machine === name && !call.abandoned && movesMachine(call),
    );
    if (other !== undefined) {
      const message = `"${name}" of "${instance.instanceId}" is started while ${other.operation} is under way`;
      world.violate("one operation at a time on a machine", message);
    }
  }

  #machine(instanceId: string, name: string): Machine {
    const machine = this.#place.world.instances.get(instanceId)?.machines.get(name);
    if (machine !== undefined) return machine;
    throw new TroupeError("NOT_FOUND", `Cannot find machine "${name}": instance "${instanceId}" has none`);
  }

  #programOf({ environment }: Instance, name: string): SimulatedProgram {
    const command = environment.machines[name]?.command ?? [];
    const program = find(this.#place.programs, command);
    if (program === undefined) return idle;
    if (program !== null) return program;
    const path = `environment.machines.${name}.command`;
    throw new TroupeError("COMMAND_NOT_FOUND", `Cannot run machine "${name}": there is no program "${command[0]}"`, {
      problems: [{ path, message: `There is no program "${command[0]}"` }],
    });
  }
}

/** For what nobody is left to hear. A promise each, so that what waits for it can be forgotten. */
function never(): Promise<never> {
  return new Promise(() => {});
}

const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

function find(programs: SimulatedPrograms, command: readonly string[]): SimulatedProgram | null | undefined {
  const [word = ""] = command;
  return Object.hasOwn(programs, word) ? programs[word] : undefined;
}

function movesMachine({ operation }: Call): boolean {
  return ["createMachine", "startMachine", "stopMachine", "removeMachine"].includes(operation);
}

function viewOf({ instances, volumes, ports }: World): Omit<SimulatedWorldView, "underWay"> {
  return {
    instances: [...instances.values()].map(({ workspaceId, instanceId, machines }) => ({
      workspaceId,
      instanceId,
      machines: Object.fromEntries([...machines].map(([name, machine]) => [name, viewOfMachine(machine)])),
    })),
    volumes: [...volumes].flatMap(([workspaceId, names]) => [...names.keys()].map((name) => ({ workspaceId, name }))),
    ports: ports.taken,
  };
}

function viewOfMachine(machine: Machine): SimulatedMachineView {
  return {
    ...machine.observed,
    execs: Object.fromEntries([...machine.execs].map(([id, process]) => [id, process.exit])),
    files: Object.fromEntries(machine.files),
  };
}
