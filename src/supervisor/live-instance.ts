import type { Infrastructure, Instance, ServerAddress, StartedMachine } from "../infrastructure/spi.ts";
import type { InstanceRow } from "../journal/spi.ts";
import type { MachineSpec, ServerSpec, Warning } from "../model/environment.ts";

/** An instance that has not ended, with what its ports need to work. */
export class LiveInstance {
  readonly infrastructure: Infrastructure;
  /** As the infrastructure knows it. */
  readonly spec: Instance;
  readonly priority: number;
  #warnings: readonly Warning[];
  readonly #addresses = new Map<string, Readonly<Record<string, ServerAddress>>>();

  constructor(
    row: InstanceRow,
    workspace: { readonly name: string; readonly owner: string },
    infrastructure: Infrastructure,
  ) {
    this.infrastructure = infrastructure;
    this.priority = row.priority;
    this.#warnings = row.warnings;
    this.spec = {
      workspaceId: row.workspaceId,
      instanceId: row.instanceId,
      workspaceName: workspace.name,
      owner: workspace.owner,
      environment: row.environment,
    };
  }

  get id(): string {
    return this.spec.instanceId;
  }

  get warnings(): readonly Warning[] {
    return this.#warnings;
  }

  machine(name: string): MachineSpec {
    const machine = this.spec.environment.machines[name];
    if (machine === undefined) throw new Error(`Instance ${this.id} has no machine "${name}"`);
    return machine;
  }

  server(machine: string, name: string): ServerSpec {
    const server = this.machine(machine).servers[name];
    if (server === undefined) throw new Error(`Machine "${machine}" of instance ${this.id} has no server "${name}"`);
    return server;
  }

  /** Where a server of a started machine is; `undefined` if it was never seen to run. */
  address(machine: string, server: string): ServerAddress | undefined {
    return this.#addresses.get(machine)?.[server];
  }

  /** Keeps what the infrastructure told of a started machine. */
  started(machine: string, { addresses, warnings }: StartedMachine): void {
    this.#addresses.set(machine, addresses);
    this.warn(warnings);
  }

  /** @returns whether any of them is new */
  warn(warnings: readonly Warning[]): boolean {
    const known = new Set(this.#warnings.map(({ message }) => message));
    const added = warnings.filter(({ message }) => !known.has(message));
    this.#warnings = [...this.#warnings, ...added];
    return added.length > 0;
  }
}
