import type { Exit } from "../../../machines/failure.ts";
import { TroupeError } from "../../errors.ts";
import type { MachineSpec } from "../../model/environment.ts";
import { serverUrl } from "../../servers/url.ts";
import type { Clock } from "../../supervisor/api.ts";
import type {
  ExecRequest,
  Instance,
  InstanceRef,
  Leak,
  MachineFile,
  Observation,
  ServerAddress,
  StartedMachine,
} from "../spi.ts";
import { Machine } from "./machine.ts";
import { MachineOutput } from "./output.ts";
import { Ports } from "./ports.ts";
import type { RunningProcess, SimulatedProgram } from "./process.ts";

/** Something that a supervisor must never do, however harmless it was this time. */
export interface Violation {
  readonly rule:
    | "one live instance per workspace"
    | "instances keep their workspace"
    | "dependencies start first"
    | "a machine is started once"
    | "one operation at a time on a machine"
    | "an exec id names one command"
    | "volumes go last";
  readonly message: string;
  readonly at: number;
  /** The older instance, of `one live instance per workspace`: whoever could not remove it, and knows, may go on. */
  readonly olderInstanceId?: string;
}

/** How a run of a machine ended, whoever knows. */
export interface MachineExit {
  readonly instanceId: string;
  readonly machine: string;
  readonly exit: Exit;
}

/** More exits than this are not remembered. */
const MAX_EXITS = 1_000;

/** What exists of one instance. */
interface InstanceInWorld extends InstanceRef {
  /** Whether it came to be when nobody waited for it any more, and nobody can know of it. */
  readonly isLate: boolean;
  readonly machines: Map<string, Machine>;
  readonly outputs: Map<string, MachineOutput>;
  /** Ports that `auto` gave: the same again while the instance exists. By machine and server. */
  readonly leases: Map<string, { readonly port: number; readonly transport: "tcp" | "udp" }>;
}

export interface WorldOptions {
  readonly clock: Clock;
  readonly outputLimitBytes: number;
}

/** Everything that exists in the simulated place. What is done here takes no time; operations make it take some. */
export class World {
  readonly clock: Clock;
  readonly ports = new Ports();
  readonly violations: Violation[] = [];
  /** Of all machines, newest last. */
  readonly exits: MachineExit[] = [];
  /** By instance id, oldest first. */
  readonly instances = new Map<string, InstanceInWorld>();
  /** By workspace id and name: what is in it, by path. */
  readonly volumes = new Map<string, Map<string, Map<string, string>>>();
  /** Machines that have run, and those that have ended with code 0, by instance id and name; whatever has become of them. */
  readonly #started = new Set<string>();
  readonly #completed = new Set<string>();
  readonly #byWorkspace = new Map<string, Set<InstanceInWorld>>();
  readonly #outputLimitBytes: number;

  constructor({ clock, outputLimitBytes }: WorldOptions) {
    this.clock = clock;
    this.#outputLimitBytes = outputLimitBytes;
  }

  /** `inPart`: without the volumes. `isLate`: its caller has let go of it. */
  prepare(
    { workspaceId, instanceId, environment }: Instance,
    { inPart, isLate }: { readonly inPart: boolean; readonly isLate: boolean },
  ): void {
    const ref = { workspaceId, instanceId };
    if (this.#instance(ref) === undefined) this.#addInstance(ref, isLate);
    if (inPart) return;
    for (const machine of Object.values(environment.machines)) {
      for (const name of Object.keys(machine.volumes)) this.#volume(workspaceId, name);
    }
  }

  createMachine(instance: Instance, name: string): void {
    const there = this.#instance(instance);
    if (there === undefined) throw unavailable(`create machine "${name}": the instance was not prepared`);
    if (there.machines.has(name)) return;
    const output = this.#output(there, name);
    output.reopen();
    there.machines.set(
      name,
      new Machine(specOf(instance, name), output, this.clock, (volume) => this.#volume(instance.workspaceId, volume)),
    );
  }

  /** Runs a created machine. On one that runs already, or has run: what it was started with. */
  startMachine(instance: Instance, name: string, program: SimulatedProgram): StartedMachine {
    const machine = this.machine(instance, name);
    if (machine === undefined) throw unavailable(`start machine "${name}": it was not created`);
    if (machine.started !== null) return machine.started;
    const there = this.#instance(instance);
    if (there === undefined) throw unavailable(`start machine "${name}": its instance is gone`);
    this.#judgeStart(there, machine.spec);
    const addresses = this.#addresses(there, machine.spec);
    this.#started.add(`${instance.instanceId} ${name}`);
    return machine.start(program, addresses, (exit) => {
      if (exit.code === 0) this.#completed.add(`${instance.instanceId} ${name}`);
      this.exits.push({ instanceId: instance.instanceId, machine: name, exit });
      if (this.exits.length > MAX_EXITS) this.exits.shift();
      this.#freePorts(machine.spec, addresses);
    });
  }

  exec(instance: Instance, name: string, request: ExecRequest, program: SimulatedProgram): RunningProcess {
    const machine = this.machine(instance, name);
    if (machine === undefined) throw unavailable(`run "${request.id}": there is no machine "${name}"`);
    machine.assertReachable();
    const process = machine.exec(request, program);
    if (process.command.join("\0") !== request.command.join("\0")) {
      this.violate(
        "an exec id names one command",
        `"${request.id}" in machine "${name}" was begun with another command`,
      );
    }
    return process;
  }

  put(ref: InstanceRef, name: string, files: readonly MachineFile[]): void {
    const machine = this.machine(ref, name);
    if (machine === undefined) throw unavailable(`put files: there is no machine "${name}"`);
    machine.assertReachable();
    for (const { path, content } of files) machine.files.set(path, content);
  }

  removeMachine(ref: InstanceRef, name: string): void {
    const machine = this.machine(ref, name);
    if (machine === undefined) return;
    if (machine.stuck !== null) throw unavailable(`remove machine "${name}": ${machine.stuck}`);
    this.#discard(machine);
    this.#instance(ref)?.machines.delete(name);
  }

  /** Removes what can be removed. `inPart`: one machine at most. */
  destroy(ref: InstanceRef, inPart = false): readonly Leak[] {
    const there = this.#instance(ref);
    if (there === undefined) return [];
    const leaks: Leak[] = [];
    for (const [name, machine] of [...there.machines].slice(0, inPart ? 1 : undefined)) {
      if (machine.stuck !== null)
        leaks.push({ kind: "machine", id: `${ref.instanceId}/${name}`, reason: machine.stuck });
      else {
        this.#discard(machine);
        there.machines.delete(name);
      }
    }
    if (leaks.length > 0 || inPart) return leaks;
    for (const output of there.outputs.values()) output.complete();
    for (const { port, transport } of there.leases.values()) this.ports.free(port, transport);
    this.#removeInstance(there);
    return [];
  }

  removeVolumes(workspaceId: string): void {
    for (const { instanceId, isLate } of this.#instancesOf(workspaceId)) {
      if (isLate) continue;
      this.violate("volumes go last", `Instance "${instanceId}" of "${workspaceId}" still exists`);
    }
    this.volumes.delete(workspaceId);
  }

  observe(ref: InstanceRef): Observation {
    const there = this.#instance(ref);
    const machines = [...(there?.machines ?? [])].map(([name, machine]) => [name, machine.observed] as const);
    return { exists: there !== undefined, machines: Object.fromEntries(machines) };
  }

  machine(ref: InstanceRef, name: string): Machine | undefined {
    return this.#instance(ref)?.machines.get(name);
  }

  output(ref: InstanceRef, name: string): MachineOutput | undefined {
    const there = this.#instance(ref);
    return there && this.#output(there, name);
  }

  violate(rule: Violation["rule"], message: string, olderInstanceId?: string): void {
    const about = olderInstanceId === undefined ? {} : { olderInstanceId };
    this.violations.push({ rule, message, at: this.clock.now(), ...about });
  }

  #addInstance(ref: InstanceRef, isLate: boolean): void {
    const instance: InstanceInWorld = {
      ...ref,
      isLate,
      machines: new Map(),
      outputs: new Map(),
      leases: new Map(),
    };
    this.instances.set(ref.instanceId, instance);
    this.#byWorkspace.set(ref.workspaceId, this.#instancesOf(ref.workspaceId).add(instance));
  }

  #removeInstance(instance: InstanceInWorld): void {
    this.instances.delete(instance.instanceId);
    const others = this.#instancesOf(instance.workspaceId);
    others.delete(instance);
    if (others.size === 0) this.#byWorkspace.delete(instance.workspaceId);
  }

  #instancesOf(workspaceId: string): Set<InstanceInWorld> {
    return this.#byWorkspace.get(workspaceId) ?? new Set();
  }

  /** The instance, if it is there and is the workspace's. */
  #instance({ workspaceId, instanceId }: InstanceRef): InstanceInWorld | undefined {
    const there = this.instances.get(instanceId);
    if (there === undefined || there.workspaceId === workspaceId) return there;
    const message = `Instance "${instanceId}" is of workspace "${there.workspaceId}", not of "${workspaceId}"`;
    this.violate("instances keep their workspace", message);
    throw new TroupeError("INTERNAL", `Cannot use what is another's: ${message}`);
  }

  #output(there: InstanceInWorld, name: string): MachineOutput {
    const output = there.outputs.get(name) ?? new MachineOutput(name, this.#outputLimitBytes);
    there.outputs.set(name, output);
    return output;
  }

  #volume(workspaceId: string, name: string): Map<string, string> {
    const volumes = this.volumes.get(workspaceId) ?? new Map<string, Map<string, string>>();
    const volume = volumes.get(name) ?? new Map<string, string>();
    this.volumes.set(workspaceId, volumes.set(name, volume));
    return volume;
  }

  #judgeStart(there: InstanceInWorld, spec: MachineSpec): void {
    for (const other of this.#instancesOf(there.workspaceId)) {
      if (other === there) continue;
      const alive = [...other.machines.values()].find(
        (machine) => machine.state === "running" && machine.stuck === null,
      );
      if (alive !== undefined) {
        const message = `"${there.instanceId}" starts while machine "${alive.spec.name}" of "${other.instanceId}" runs`;
        this.violate("one live instance per workspace", message, other.instanceId);
      }
    }
    for (const [name, condition] of Object.entries(spec.dependsOn)) {
      const holds = (condition === "completed" ? this.#completed : this.#started).has(`${there.instanceId} ${name}`);
      if (!holds) this.violate("dependencies start first", `"${spec.name}" starts before "${name}" is ${condition}`);
    }
  }

  /** Claims a port for every server, or for none. */
  #addresses(there: InstanceInWorld, spec: MachineSpec): Record<string, ServerAddress> {
    const addresses: Record<string, ServerAddress> = {};
    try {
      for (const server of Object.values(spec.servers)) {
        const port = this.#port(there, spec, server);
        const url = serverUrl(server, "127.0.0.1", port);
        addresses[server.name] = { host: "127.0.0.1", port, url };
      }
    } catch (error) {
      this.#freePorts(spec, addresses);
      throw error;
    }
    return addresses;
  }

  #port(
    { instanceId, leases }: InstanceInWorld,
    { name: machine }: MachineSpec,
    server: MachineSpec["servers"][string],
  ): number {
    const { name, port, transport } = server;
    const holder = { instanceId, machine, server: name };
    if (port !== "auto") {
      this.ports.claim(port, transport, holder);
      return port;
    }
    const key = JSON.stringify([machine, name]);
    const lease = leases.get(key) ?? { port: this.ports.pick(transport, holder), transport };
    leases.set(key, lease);
    return lease.port;
  }

  /** Frees the declared ones: leases stay with the instance. */
  #freePorts(spec: MachineSpec, addresses: Readonly<Record<string, ServerAddress>>): void {
    for (const name of Object.keys(addresses)) {
      const server = spec.servers[name];
      if (server !== undefined && server.port !== "auto") this.ports.free(server.port, server.transport);
    }
  }

  #discard(machine: Machine): void {
    machine.discard();
    machine.output.complete();
  }
}

function specOf({ environment }: Instance, name: string): MachineSpec {
  const spec = environment.machines[name];
  if (spec !== undefined) return spec;
  throw new TroupeError("INTERNAL", `Cannot create machine "${name}": environment "${environment.name}" has none`);
}

function unavailable(what: string): TroupeError {
  return new TroupeError("INFRASTRUCTURE_UNAVAILABLE", `Cannot ${what}`);
}
