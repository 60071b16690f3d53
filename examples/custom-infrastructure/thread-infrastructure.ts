import { access, mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  type ExecRequest,
  type Exit,
  type Infrastructure,
  type Instance,
  type InstanceRef,
  type Leak,
  type MachineFact,
  type MachineFile,
  type MachineSpec,
  type Observation,
  type OutputCursor,
  type OutputOptions,
  type OutputRecord,
  type ServerAddress,
  type StartedMachine,
  TroupeError,
} from "troupe";
import { abortable } from "./abortable.ts";
import { MachineOutput } from "./machine-output.ts";
import { onDisk } from "./on-disk.ts";
import { addressesOf } from "./ports.ts";
import { ThreadMachine } from "./thread-machine.ts";

type Addresses = Readonly<Record<string, ServerAddress>>;

interface ThreadInstance {
  readonly machines: Map<string, ThreadMachine>;
  /** Kept when their machine is removed, until the instance is. */
  readonly outputs: Map<string, MachineOutput>;
  /** Kept likewise: a machine that is made again listens where it did. */
  readonly addresses: Map<string, Promise<Addresses>>;
}

/**
 * Machines as threads of this process: a machine's command is a JavaScript module and its arguments.
 *
 * Threads end with the process, so a restarted supervisor finds none of them; what it finds is their directories, and
 * those are what an instance's existence is read from: `directory/instances/WORKSPACE/INSTANCE/MACHINE`.
 */
export class ThreadInfrastructure implements Infrastructure {
  readonly name = "threads";
  readonly recipeTypes = ["process"];
  readonly #directory: string;
  readonly #instances = new Map<string, ThreadInstance>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  async prepare(instance: Instance, signal: AbortSignal): Promise<{ readonly warnings: readonly [] }> {
    signal.throwIfAborted();
    if (!this.#instances.has(instance.instanceId)) {
      this.#instances.set(instance.instanceId, { machines: new Map(), outputs: new Map(), addresses: new Map() });
    }
    const volumes = Object.values(instance.environment.machines).flatMap((machine) => Object.keys(machine.volumes));
    const folders = [...volumes.map((name) => this.#volume(instance.workspaceId, name)), this.#folder(instance)];
    await onDisk(Promise.all(folders.map((folder) => mkdir(folder, { recursive: true }))));
    this.#live(instance); // fails if it was destroyed meanwhile
    return { warnings: [] };
  }

  async fetchImage(instance: Instance, machine: string, signal: AbortSignal): Promise<void> {
    const { command, workingDir } = specOf(instance, machine);
    const module = command?.[0];
    if (module === undefined) return;
    await abortable(access(resolve(workingDir ?? this.#folder(instance, machine), module)), signal).catch((error) => {
      signal.throwIfAborted();
      throw new TroupeError("COMMAND_NOT_FOUND", `Cannot run machine "${machine}": no module "${module}"`, {
        cause: error,
      });
    });
  }

  async createMachine(instance: Instance, machine: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { machines, outputs } = this.#live(instance);
    if (machines.has(machine)) return;
    const spec = specOf(instance, machine);
    const folder = this.#folder(instance, machine);
    const output = outputs.get(machine) ?? new MachineOutput(machine);
    output.isComplete = false;
    outputs.set(machine, output);
    machines.set(machine, new ThreadMachine(spec, folder, output));
    await onDisk(rm(folder, { recursive: true, force: true })); // of a process that was killed
    await onDisk(mkdir(folder, { recursive: true }));
    for (const name of Object.keys(spec.volumes)) {
      await onDisk(symlink(this.#volume(instance.workspaceId, name), join(folder, name)));
    }
    this.#machine(instance, machine); // fails if it was destroyed meanwhile
  }

  async startMachine(instance: Instance, machine: string, signal: AbortSignal): Promise<StartedMachine> {
    const spec = specOf(instance, machine);
    const addresses = await abortable(this.#addressesOf(instance, spec), signal);
    const thread = this.#machine(instance, machine); // looked up now: meanwhile it may have been destroyed, or started
    if (thread.isRunning && thread.started !== null) return thread.started;

    const started = { addresses, warnings: [], attributes: {} };
    const volumes = Object.keys(spec.volumes).map(
      (name) => [`TROUPE_VOLUME_${name.toUpperCase()}`, this.#volume(instance.workspaceId, name)] as const,
    );
    const [first, ...others] = Object.values(addresses);
    const port = first !== undefined && others.length === 0 ? { PORT: String(first.port) } : {};
    thread.start(started, { ...port, ...spec.env, ...Object.fromEntries(volumes) });
    return started;
  }

  async stopMachine(ref: InstanceRef, machine: string, graceMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const thread = this.#instances.get(ref.instanceId)?.machines.get(machine);
    if (thread) await abortable(thread.stop(graceMs), signal);
  }

  async removeMachine(ref: InstanceRef, machine: string, signal: AbortSignal): Promise<void> {
    await this.stopMachine(ref, machine, 0, signal);
    const live = this.#instances.get(ref.instanceId);
    live?.machines.delete(machine);
    const output = live?.outputs.get(machine);
    if (output) output.isComplete = true;
    await rm(this.#folder(ref, machine), { recursive: true, force: true });
  }

  async exec(instance: Instance, machine: string, request: ExecRequest, signal: AbortSignal): Promise<Exit> {
    signal.throwIfAborted();
    return abortable(this.#machine(instance, machine).exec(request), signal);
  }

  async put(ref: InstanceRef, machine: string, files: readonly MachineFile[], signal: AbortSignal): Promise<void> {
    this.#machine(ref, machine);
    for (const { path, content, mode = 0o644 } of files) {
      signal.throwIfAborted();
      const file = join(this.#folder(ref, machine), path);
      await onDisk(mkdir(dirname(file), { recursive: true }));
      await onDisk(writeFile(file, content, { mode }));
    }
  }

  async *output(
    ref: InstanceRef,
    machine: string,
    cursor: OutputCursor,
    options: OutputOptions,
    signal: AbortSignal,
  ): AsyncGenerator<OutputRecord> {
    const output = this.#instances.get(ref.instanceId)?.outputs.get(machine);
    if (output) yield* output.read(cursor, options, signal);
  }

  async *watch(ref: InstanceRef, machine: string, signal: AbortSignal): AsyncGenerator<MachineFact> {
    yield { type: "exited", exit: await abortable(this.#machine(ref, machine).ended, signal) };
  }

  async observe(ref: InstanceRef, signal: AbortSignal): Promise<Observation> {
    const exists = await abortable(isThere(this.#folder(ref)), signal);
    const machines = [...(this.#instances.get(ref.instanceId)?.machines ?? [])].map(([name, machine]) => {
      const state = machine.isRunning ? "running" : machine.exit === null ? "created" : "exited";
      return [name, { state, started: machine.isRunning ? machine.started : null, exit: machine.exit }] as const;
    });
    return { exists, machines: Object.fromEntries(machines) };
  }

  async identities(signal: AbortSignal): Promise<readonly InstanceRef[]> {
    signal.throwIfAborted();
    const refs: InstanceRef[] = [];
    for (const workspaceId of await names(join(this.#directory, "instances"))) {
      signal.throwIfAborted();
      const instanceIds = await names(join(this.#directory, "instances", workspaceId));
      refs.push(...instanceIds.map((instanceId) => ({ workspaceId, instanceId })));
    }
    return refs;
  }

  async destroy(ref: InstanceRef, signal: AbortSignal): Promise<readonly Leak[]> {
    signal.throwIfAborted();
    const live = this.#instances.get(ref.instanceId);
    this.#instances.delete(ref.instanceId); // from here on, operations that are under way find nothing to work on
    for (const output of live?.outputs.values() ?? []) output.isComplete = true;
    await abortable(Promise.all([...(live?.machines.values() ?? [])].map((machine) => machine.stop(0))), signal);
    await rm(this.#folder(ref), { recursive: true, force: true });
    return [];
  }

  async removeVolumes(workspaceId: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await rm(join(this.#directory, "volumes", workspaceId), { recursive: true, force: true });
  }

  /** Threads can't outlive this process, but until it ends they run on. */
  async close(): Promise<void> {}

  #live(ref: InstanceRef): ThreadInstance {
    const live = this.#instances.get(ref.instanceId);
    if (live === undefined)
      throw new TroupeError("MACHINE_FAILED", `Cannot use instance "${ref.instanceId}": it is not here`);
    return live;
  }

  #machine(ref: InstanceRef, name: string): ThreadMachine {
    const machine = this.#live(ref).machines.get(name);
    if (machine === undefined)
      throw new TroupeError("MACHINE_FAILED", `Cannot use machine "${name}": it was not created`);
    return machine;
  }

  #addressesOf(ref: InstanceRef, spec: MachineSpec): Promise<Addresses> {
    const { addresses } = this.#live(ref);
    const reserved = addresses.get(spec.name) ?? addressesOf(spec);
    addresses.set(spec.name, reserved);
    reserved.catch(() => addresses.delete(spec.name));
    return reserved;
  }

  #folder(ref: InstanceRef, ...machine: string[]): string {
    return join(this.#directory, "instances", ref.workspaceId, ref.instanceId, ...machine.map(encodeURIComponent));
  }

  #volume(workspaceId: string, name: string): string {
    return join(this.#directory, "volumes", workspaceId, encodeURIComponent(name));
  }
}

function specOf({ environment }: Instance, name: string): MachineSpec {
  const spec = environment.machines[name];
  if (spec === undefined)
    throw new TroupeError("NOT_FOUND", `Cannot find machine "${name}": the environment has none of that name`);
  return spec;
}

/** Of what is in the folder; none if it is not there. */
async function names(folder: string): Promise<string[]> {
  return (await isThere(folder)) ? readdir(folder) : [];
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
