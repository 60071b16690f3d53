/** A data directory with real machines in it, of which nothing is left when the test is over. */
import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { Exit } from "../../../machines/failure.ts";
import { type ProcessInfrastructureOptions, processInfrastructure } from "../../../src/infrastructure/process/index.ts";
import { layout } from "../../../src/infrastructure/process/layout.ts";
import { ProcessTable, type RunningProcess } from "../../../src/infrastructure/process/process-table.ts";
import type { Infrastructure, Instance, OutputRecord, StartedMachine } from "../../../src/infrastructure/spi.ts";
import type { OutputLine } from "../../../src/model/workspace.ts";
import { environmentOf, type MachineSketch } from "../../../src/testing/index.ts";

const DEADLINE_MS = 30_000;

export class World {
  readonly dataDir: string;
  readonly signal = AbortSignal.timeout(DEADLINE_MS);
  readonly infrastructure: Infrastructure;
  readonly #options: Omit<ProcessInfrastructureOptions, "dataDir">;
  readonly #opened: Infrastructure[] = [];
  readonly #instances: Instance[] = [];

  private constructor(dataDir: string, options: Omit<ProcessInfrastructureOptions, "dataDir">) {
    this.dataDir = dataDir;
    this.#options = options;
    this.infrastructure = this.open();
  }

  /** Cleared when the current test is over, however it ends. */
  static async create(options: Omit<ProcessInfrastructureOptions, "dataDir"> = {}): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), "troupe-process-")), options);
    onTestFinished(() => world.#clear());
    return world;
  }

  get layout() {
    return layout(this.dataDir);
  }

  /** Another infrastructure on the same directory, as the next supervisor has it. */
  open(): Infrastructure {
    const infrastructure = processInfrastructure({ dataDir: this.dataDir, ...this.#options });
    this.#opened.push(infrastructure);
    return infrastructure;
  }

  instance(machines: Readonly<Record<string, MachineSketch>>, instanceId = `instance-${randomUUID()}`): Instance {
    const instance: Instance = {
      workspaceId: `workspace-${randomUUID()}`,
      instanceId,
      workspaceName: "world",
      owner: "test",
      environment: environmentOf({ machines }),
    };
    this.#instances.push(instance);
    return instance;
  }

  async create(instance: Instance, machine = "main"): Promise<void> {
    await this.infrastructure.prepare(instance, this.signal, () => {});
    await this.infrastructure.fetchImage(instance, machine, this.signal, () => {});
    await this.infrastructure.createMachine(instance, machine, this.signal);
  }

  async start(instance: Instance, machine = "main"): Promise<StartedMachine> {
    await this.create(instance, machine);
    return this.infrastructure.startMachine(instance, machine, this.signal);
  }

  /** Runs one machine, `main`, from a shell script. */
  async run(script: string, sketch: MachineSketch = {}): Promise<Instance> {
    const instance = this.instance({ main: { command: sh(script), ...sketch } });
    await this.start(instance);
    return instance;
  }

  async stop(instance: Instance, graceMs: number): Promise<void> {
    await this.infrastructure.stopMachine(instance, "main", graceMs, this.signal);
  }

  async remove(instance: Instance): Promise<void> {
    await this.infrastructure.removeMachine(instance, "main", this.signal);
  }

  /** Follows the output of `main` until `isLast`. */
  async records(
    instance: Instance,
    isLast: (line: OutputLine) => boolean,
    cursor: Record<string, number> = {},
    infrastructure = this.infrastructure,
  ): Promise<OutputRecord[]> {
    const records: OutputRecord[] = [];
    for await (const record of infrastructure.output(instance, "main", cursor, { follow: true }, this.signal)) {
      records.push(record);
      if (linesOf([record]).some(isLast)) return records;
    }
    return records;
  }

  async textUntil(instance: Instance, last: string): Promise<string[]> {
    return textOf(await this.records(instance, ({ text }) => text === last));
  }

  /** What is there now. */
  async output(instance: Instance, cursor: Record<string, number> = {}): Promise<OutputRecord[]> {
    const records: OutputRecord[] = [];
    for await (const record of this.infrastructure.output(instance, "main", cursor, { follow: false }, this.signal)) {
      records.push(record);
    }
    return records;
  }

  async exit(instance: Instance): Promise<Exit> {
    for await (const fact of this.infrastructure.watch(instance, "main", this.signal)) {
      if (fact.type === "exited") return fact.exit;
    }
    throw new Error("The watch ended without an exit");
  }

  /** Everything that runs and bears the instance's mark. */
  async processes({ instanceId }: Instance): Promise<readonly RunningProcess[]> {
    return (await new ProcessTable().look()).filter((process) => process.instanceId === instanceId);
  }

  /** No process, file, lease or directory of the instance is left. */
  async expectNothingOf(instance: Instance): Promise<void> {
    expect(await this.processes(instance)).toEqual([]);
    expect(await readdir(this.layout.instances).catch(() => [])).toEqual([]);
    expect(await readdir(this.layout.ports).catch(() => [])).toEqual([]);
    expect(await this.infrastructure.identities(this.signal)).toEqual([]);
  }

  async #clear(): Promise<void> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    try {
      for (const instance of this.#instances) await this.infrastructure.destroy(instance, signal);
    } finally {
      for (const infrastructure of this.#opened) await infrastructure.close();
      await rm(this.dataDir, { recursive: true, force: true });
    }
  }
}

export function sh(script: string): readonly string[] {
  return ["/bin/sh", "-c", script];
}

export function linesOf(records: readonly OutputRecord[]): OutputLine[] {
  return records.flatMap((record) => (record.type === "lines" ? record.lines : []));
}

export function textOf(records: readonly OutputRecord[]): string[] {
  return linesOf(records).map(({ text }) => text);
}

/** The whole numbers from `from` to `to`. */
export function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
}

/** Whether a process runs; a zombie does not. */
export async function runs(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  return stat !== null && !/\) [ZX] /.test(stat);
}
