import { randomUUID } from "node:crypto";
import type { Infrastructure, Instance } from "../../infrastructure/spi.ts";
import type { Clock } from "../../supervisor/api.ts";
import type { ContractPrograms } from "../contract/programs.ts";
import { environment, type InstanceName, type MachineName, workspaceOf } from "./cast.ts";
import type { Opened } from "./opened.ts";
import { Reader } from "./reader.ts";
import { systemClock } from "./time.ts";

/** The infrastructure under test with the instances that play in it. */
export class Place {
  infrastructure: Infrastructure;
  readonly opened: Opened;
  readonly programs: ContractPrograms;
  readonly clock: Clock;
  readonly instances: Readonly<Record<InstanceName, Instance>>;
  readonly #readers = new Map<string, Reader>();

  constructor(opened: Opened, programs: ContractPrograms) {
    this.opened = opened;
    this.infrastructure = opened.infrastructure;
    this.programs = programs;
    this.clock = opened.clock ?? systemClock;
    // Others may use the place too, so names are never used again.
    const run = randomUUID();
    const instance = (name: InstanceName): Instance => ({
      workspaceId: `workspace-${workspaceOf[name]}-${run}`,
      instanceId: `instance-${name}-${run}`,
      workspaceName: workspaceOf[name],
      owner: "conformance",
      environment: environment(programs, this.infrastructure.recipeTypes[0] ?? ""),
    });
    this.instances = { A: instance("A"), B: instance("B"), C: instance("C") };
  }

  /** Whoever reads the machine's output throughout. */
  reader(instance: InstanceName, machine: MachineName): Reader {
    const key = `${instance} ${machine}`;
    const reader = this.#readers.get(key) ?? new Reader(machine);
    this.#readers.set(key, reader);
    return reader;
  }

  /** The supervisor ends, and the next one opens the place again. */
  async restart(how: "reopen" | "kill"): Promise<void> {
    if (how === "reopen") await this.infrastructure.close();
    const next = await this.opened[how]?.();
    if (next === undefined) throw new Error(`Cannot ${how} the infrastructure: the factory does not offer it`);
    this.infrastructure = next;
  }
}
