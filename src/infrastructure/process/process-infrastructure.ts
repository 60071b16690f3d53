import { join } from "node:path";
import type { Exit } from "../../../machines/failure.ts";
import { TroupeError } from "../../errors.ts";
import type { Logger } from "../../telemetry/log.ts";
import type {
  ExecRequest,
  Infrastructure,
  Instance,
  InstanceRef,
  Leak,
  MachineFact,
  MachineFile,
  Observation,
  ObservedMachine,
  OutputCursor,
  OutputOptions,
  OutputRecord,
  Progress,
  StartedMachine,
} from "../spi.ts";
import { endInstance, endMachine, removeInstance } from "./ending.ts";
import { Fences } from "./fences.ts";
import { exists, makeDirectory, namesIn, removeTree } from "./files.ts";
import { Graces } from "./graces.ts";
import { Lanes } from "./lanes.ts";
import { type InstancePlace, type Layout, layout, type MachinePlace, REF_SUFFIX } from "./layout.ts";
import { makeMachineFiles, putFiles } from "./machine-files.ts";
import { beginExec, beginMachine, checkCommand, machineSpec, type Starter, startedOf } from "./machine-start.ts";
import { removeMemoryGroup } from "./memory-group.ts";
import { DEFAULT_PORTS, type PortRange, Ports } from "./ports.ts";
import { ProcessTable } from "./process-table.ts";
import { readOutput } from "./read-output.ts";
import { readRecord, writeRecord } from "./record.ts";
import { outputBounds } from "./shim.ts";
import { exitOf, look, untilEnded } from "./shimmed-process.ts";
import { watchMachine } from "./watch-machine.ts";

export interface ProcessInfrastructureOptions {
  /** Everything of every instance lies below. One supervisor uses it at a time. */
  readonly dataDir: string;
  /** For servers with port `auto`. Default: 20,000 to 29,999. */
  readonly ports?: PortRange;
  /** What is kept of each stream of output, in bytes: never more, and of a longer stream about half at least. Default: 32 MiB. */
  readonly outputLimitBytes?: number;
  /** Default: silent. */
  readonly logger?: Logger;
}

const DEFAULT_OUTPUT_LIMIT_BYTES = 32 * 1024 * 1024;

/**
 * Runs machines as process groups on this system.
 *
 * Each process stands under a shim that outlives the supervisor and records which process it is, what it writes and
 * how it ended; so the next supervisor finds everything on disk, and nothing needs to be remembered here.
 * There is no isolation: machines run as the supervisor's user and see what it sees.
 */
export function processInfrastructure(options: ProcessInfrastructureOptions): Infrastructure {
  return new ProcessInfrastructure(options);
}

class ProcessInfrastructure implements Infrastructure {
  readonly name = "process";
  readonly recipeTypes = ["process"];
  readonly #layout: Layout;
  readonly #ports: Ports;
  readonly #starter: Starter;
  readonly #logger: Logger | undefined;
  readonly #table = new ProcessTable();
  readonly #fences = new Fences();
  /** One change at a time for each machine. */
  readonly #lanes = new Lanes();
  readonly #graces = new Graces();
  readonly #closing = new AbortController();

  constructor({ dataDir, ports, outputLimitBytes, logger }: ProcessInfrastructureOptions) {
    this.#layout = layout(dataDir);
    this.#ports = new Ports(this.#layout.ports, ports ?? DEFAULT_PORTS);
    this.#starter = {
      layout: this.#layout,
      ports: this.#ports,
      bounds: outputBounds(outputLimitBytes ?? DEFAULT_OUTPUT_LIMIT_BYTES),
    };
    this.#logger = logger;
  }

  async prepare(instance: Instance, signal: AbortSignal, _progress: Progress) {
    return this.#enter(instance, signal, async () => {
      const place = this.#layout.instance(instance);
      await makeDirectory(this.#layout.instances);
      await writeRecord(place.ref, JSON.stringify(idsOf(instance)));
      await makeDirectory(place.machines);
      for (const machine of Object.values(instance.environment.machines)) {
        for (const volume of Object.keys(machine.volumes)) {
          await makeDirectory(this.#layout.volume(instance.workspaceId, volume));
        }
      }
      return { warnings: [] };
    });
  }

  async fetchImage(instance: Instance, machine: string, signal: AbortSignal, _progress: Progress): Promise<void> {
    await this.#enter(instance, signal, () => checkCommand(this.#starter, instance, machineSpec(instance, machine)));
  }

  async createMachine(instance: Instance, machine: string, signal: AbortSignal): Promise<void> {
    await this.#enterMachine(instance, machine, signal, async (place) => {
      const spec = machineSpec(instance, machine);
      if (!(await exists(this.#layout.instance(instance).ref))) throw notThere(instance, machine);
      for (const directory of [place.main.directory, place.main.output, place.execOutputs]) {
        await makeDirectory(directory); // so that they can be watched
      }
      await makeMachineFiles(place.files, spec, (name) => this.#layout.volume(instance.workspaceId, name));
      await writeRecord(place.name, JSON.stringify(machine)); // last: now it is created
    });
  }

  async startMachine(instance: Instance, machine: string, signal: AbortSignal): Promise<StartedMachine> {
    return this.#enterMachine(instance, machine, signal, async (place, either) => {
      const spec = machineSpec(instance, machine);
      if (!(await exists(place.name))) throw notThere(instance, machine);
      await beginMachine(this.#starter, instance, spec, either);
      const started = await startedOf(place);
      if (started === null) throw notThere(instance, machine);
      const { warnings } = started;
      if (warnings.length > 0)
        this.#logger?.warn({ ...idsOf(instance), machine, warnings }, "machine runs with warnings");
      return started;
    });
  }

  async stopMachine(ref: InstanceRef, machine: string, graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#endWithin(graceMs, ref, machine, signal, async () => {});
  }

  async removeMachine(ref: InstanceRef, machine: string, signal: AbortSignal): Promise<void> {
    await this.#endWithin(0, ref, machine, signal, async (place, either) => {
      const group = await readRecord(place.memoryGroup);
      if (group !== null) await removeMemoryGroup(group, either);
      await removeTree(place.directory);
    });
  }

  async exec(instance: Instance, machine: string, request: ExecRequest, signal: AbortSignal): Promise<Exit> {
    const process = this.#layout.instance(instance).machine(machine).exec(request.id);
    return this.#enter(instance, signal, async (either) => {
      const group = await this.#lanes.run(laneOf(instance, machine), either, async () => {
        const place = this.#layout.instance(instance).machine(machine);
        const { state } = await look(process);
        if (state === "absent" || state === "failed") await assertRuns(place, machine);
        await beginExec(this.#starter, instance, machineSpec(instance, machine), request, either);
        return readRecord(place.memoryGroup);
      });
      await untilEnded(process, either);
      const exit = await exitOf(process, group);
      if (exit === null) throw notThere(instance, machine);
      return exit;
    });
  }

  async put(ref: InstanceRef, machine: string, files: readonly MachineFile[], signal: AbortSignal): Promise<void> {
    await this.#enterMachine(ref, machine, signal, async (place) => {
      if (!(await exists(place.name))) throw notThere(ref, machine);
      await putFiles(place.files, files);
    });
  }

  async *output(
    ref: InstanceRef,
    machine: string,
    cursor: OutputCursor,
    options: OutputOptions,
    signal: AbortSignal,
  ): AsyncGenerator<OutputRecord> {
    yield* this.#untilClosed(signal, (either) =>
      readOutput(this.#layout.instance(ref), machine, cursor, options, either),
    );
  }

  async *watch(ref: InstanceRef, machine: string, signal: AbortSignal): AsyncGenerator<MachineFact> {
    const place = this.#layout.instance(ref).machine(machine);
    yield* this.#untilClosed(signal, (either) => watchMachine(place, either));
  }

  async observe(ref: InstanceRef, signal: AbortSignal): Promise<Observation> {
    return this.#translated(signal, async () => {
      const place = this.#layout.instance(ref);
      const machines: Record<string, ObservedMachine> = {};
      for (const name of await machineNames(place)) {
        machines[name] = await observeMachine(place.machine(name));
        signal.throwIfAborted();
      }
      return { exists: await exists(place.ref), machines };
    });
  }

  async identities(signal: AbortSignal): Promise<readonly InstanceRef[]> {
    return this.#translated(signal, async () => {
      const names = await namesIn(this.#layout.instances);
      const records = await Promise.all(
        names.filter((name) => name.endsWith(REF_SUFFIX)).map((name) => readRecord(join(this.#layout.instances, name))),
      );
      const refs = records.flatMap((record) => (record === null ? [] : [JSON.parse(record) as InstanceRef]));
      const all = [...refs, ...(await this.#ports.holders())];
      return [...new Map(all.map((ref) => [ref.instanceId, ref])).values()];
    });
  }

  async destroy(ref: InstanceRef, signal: AbortSignal): Promise<readonly Leak[]> {
    return this.#translated(signal, () =>
      this.#fences.close(ref.instanceId, signal, async () => {
        const place = this.#layout.instance(ref);
        const processes = await endInstance(place, this.#table, ref, signal);
        // What processes use stays with them, and the instance can be found by it.
        const leaks = processes.length > 0 ? processes : await removeInstance(place, this.#ports, ref, signal);
        if (leaks.length > 0) this.#logger?.warn({ ...idsOf(ref), leaks }, "instance not wholly removed");
        return leaks;
      }),
    );
  }

  async removeVolumes(workspaceId: string, signal: AbortSignal): Promise<void> {
    await this.#translated(signal, () => removeTree(this.#layout.volumes(workspaceId)));
  }

  async close(): Promise<void> {
    this.#closing.abort(new TroupeError("SUPERVISOR_CLOSED", "Cannot go on: the infrastructure is closed"));
  }

  /** Runs an operation that ends when its instance is destroyed or this object is closed. */
  #enter<T>(ref: InstanceRef, signal: AbortSignal, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    return this.#translated(either, () => this.#fences.enter(ref.instanceId, either, operation));
  }

  /** The same, when nothing else changes the machine. */
  #enterMachine<T>(
    ref: InstanceRef,
    machine: string,
    signal: AbortSignal,
    operation: (place: MachinePlace, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const place = this.#layout.instance(ref).machine(machine);
    return this.#enter(ref, signal, (either) =>
      this.#lanes.run(laneOf(ref, machine), either, () => operation(place, either)),
    );
  }

  async #translated<T>(signal: AbortSignal, operation: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await operation();
    } catch (error) {
      throw translate(error);
    }
  }

  async *#untilClosed<T>(signal: AbortSignal, open: (signal: AbortSignal) => AsyncGenerator<T>): AsyncGenerator<T> {
    signal.throwIfAborted();
    try {
      yield* open(AbortSignal.any([signal, this.#closing.signal]));
    } catch (error) {
      if (!signal.aborted && this.#closing.signal.aborted) return;
      throw error;
    }
  }

  /** Ends the machine, then does `afterwards`. Whoever is ending it more patiently is not waited for. */
  async #endWithin(
    graceMs: number,
    ref: InstanceRef,
    machine: string,
    signal: AbortSignal,
    afterwards: (place: MachinePlace, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const grace = this.#graces.enter(laneOf(ref, machine), graceMs);
    try {
      await this.#enterMachine(ref, machine, signal, async (place, either) => {
        await endMachine(place, this.#table, ref, machine, grace.until, either);
        await afterwards(place, either);
      });
    } finally {
      grace.leave();
    }
  }
}

async function machineNames(place: InstancePlace): Promise<readonly string[]> {
  const directories = await namesIn(place.machines);
  const names = await Promise.all(directories.map((directory) => readRecord(place.machineAt(directory).name)));
  return names.flatMap((name) => (name === null ? [] : [JSON.parse(name) as string]));
}

async function observeMachine(place: MachinePlace): Promise<ObservedMachine> {
  const { state } = await look(place.main);
  switch (state) {
    case "absent":
    case "starting":
    case "failed":
      return { state: "created", started: null, exit: null };
    case "running":
      return { state: "running", started: await startedOf(place), exit: null };
    case "ended": {
      const exit = await exitOf(place.main, await readRecord(place.memoryGroup));
      return { state: "exited", started: null, exit };
    }
  }
}

async function assertRuns(place: MachinePlace, machine: string): Promise<void> {
  if ((await look(place.main)).state === "running") return;
  throw new TroupeError("MACHINE_EXITED", `Cannot run a process in machine "${machine}": the machine does not run`, {
    details: { machine },
  });
}

function idsOf({ workspaceId, instanceId }: InstanceRef): InstanceRef {
  return { workspaceId, instanceId };
}

function laneOf({ instanceId }: InstanceRef, machine: string): string {
  return JSON.stringify([instanceId, machine]);
}

/** The one place that knows what the system's errors mean to callers: a full disk, a directory that is not ours. */
function translate(error: unknown): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  return new TroupeError("INFRASTRUCTURE_UNAVAILABLE", `Cannot do that on this system: ${error.message}`, {
    cause: error,
  });
}

function notThere({ instanceId }: InstanceRef, machine: string): TroupeError {
  return new TroupeError("NOT_FOUND", `Cannot use machine "${machine}": instance "${instanceId}" has none now`, {
    details: { instanceId, machine },
  });
}
