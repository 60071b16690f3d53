import { randomUUID } from "node:crypto";
import type {
  Infrastructure,
  Instance,
  InstanceRef,
  MachineFact,
  Observation,
  OutputCursor,
  OutputOptions,
  OutputRecord,
  Progress,
  StartedMachine,
} from "../../infrastructure/spi.ts";
import type { OutputLine } from "../../model/workspace.ts";
import type { Opened } from "../conformance/opened.ts";
import { environmentOf, type MachineSketch } from "../environment-of.ts";
import type { ContractPrograms } from "./programs.ts";

/** What each group of tests is given: the stage of the test that runs, and the programs. */
export interface Scene {
  readonly stage: Stage;
  readonly programs: ContractPrograms;
}

/** Nothing in the kit waits longer than this: an operation that hangs is a failed test. */
const DEADLINE_MS = 30_000;

export const noProgress: Progress = () => {};

/** An infrastructure under test, and all that the test brings into being there. */
export class Stage {
  infrastructure: Infrastructure;
  /** Aborts when the test has taken too long. */
  readonly signal = AbortSignal.timeout(DEADLINE_MS);
  readonly #opened: Opened;
  readonly #instances: Instance[] = [];

  constructor(opened: Opened) {
    this.#opened = opened;
    this.infrastructure = opened.infrastructure;
  }

  /** Describes an instance, of a workspace of its own unless one is named. Nothing is made yet. */
  instance(machines: Readonly<Record<string, MachineSketch>>, workspaceId = `workspace-${randomUUID()}`): Instance {
    const recipeType = this.infrastructure.recipeTypes[0] ?? "";
    const instance: Instance = {
      workspaceId,
      instanceId: `instance-${randomUUID()}`,
      workspaceName: "contract",
      owner: "contract",
      environment: environmentOf({ recipeType, machines }),
    };
    this.#instances.push(instance);
    return instance;
  }

  async prepare(instance: Instance): Promise<void> {
    await this.infrastructure.prepare(instance, this.signal, noProgress);
  }

  async create(instance: Instance, machine: string): Promise<void> {
    await this.infrastructure.fetchImage(instance, machine, this.signal, noProgress);
    await this.infrastructure.createMachine(instance, machine, this.signal);
  }

  async start(instance: Instance, machine: string): Promise<StartedMachine> {
    return this.infrastructure.startMachine(instance, machine, this.signal);
  }

  /** Prepares an instance and runs all its machines. */
  async launch(instance: Instance): Promise<void> {
    await this.prepare(instance);
    for (const machine of Object.keys(instance.environment.machines)) {
      await this.create(instance, machine);
      await this.start(instance, machine);
    }
  }

  /** Describes an instance with one machine, `main`, and runs it. */
  async running(sketch: MachineSketch): Promise<Instance> {
    const instance = this.instance({ main: sketch });
    await this.launch(instance);
    return instance;
  }

  async observe(ref: InstanceRef): Promise<Observation> {
    return this.infrastructure.observe(ref, this.signal);
  }

  async isListed({ instanceId }: InstanceRef): Promise<boolean> {
    const identities = await this.infrastructure.identities(this.signal);
    return identities.some((identity) => identity.instanceId === instanceId);
  }

  /** Reads the output of a machine, up to what is there now unless it follows. */
  output(
    ref: InstanceRef,
    machine: string,
    cursor: OutputCursor = {},
    options: OutputOptions = { follow: false },
  ): AsyncIterable<OutputRecord> {
    return this.infrastructure.output(ref, machine, cursor, options, this.signal);
  }

  /** Follows the output of a machine until a line that says `last`, or that fits it. */
  async linesUntil(
    ref: InstanceRef,
    machine: string,
    last: string | ((line: OutputLine) => boolean),
    cursor: OutputCursor = {},
  ): Promise<OutputLine[]> {
    const isLast = typeof last === "string" ? (line: OutputLine) => line.text === last : last;
    const lines: OutputLine[] = [];
    for await (const record of this.output(ref, machine, cursor, { follow: true })) {
      if (record.type === "gap") throw new Error(`Output is missing from ${record.from} to ${record.to}`);
      lines.push(...record.lines);
      if (record.lines.some(isLast)) return lines;
    }
    throw new Error(`Output ended too early, after: ${textOf(lines).join(", ")}`);
  }

  /** The facts about a machine, until it has exited. */
  async facts(ref: InstanceRef, machine: string): Promise<MachineFact[]> {
    const facts: MachineFact[] = [];
    for await (const fact of this.infrastructure.watch(ref, machine, this.signal)) facts.push(fact);
    return facts;
  }

  get canRestart(): boolean {
    return this.#opened.reopen !== undefined;
  }

  /** Goes on as the next supervisor would. */
  async restart(): Promise<void> {
    if (this.#opened.reopen === undefined) throw new Error("This infrastructure cannot be opened again");
    await this.infrastructure.close();
    this.infrastructure = await this.#opened.reopen();
  }

  /** Leaves nothing behind, whatever the test did. */
  async clear(): Promise<void> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    try {
      for (const instance of this.#instances) await this.infrastructure.destroy(instance, signal);
      for (const { workspaceId } of this.#instances) await this.infrastructure.removeVolumes(workspaceId, signal);
    } finally {
      await this.infrastructure.close();
      await this.#opened.close();
    }
  }
}

export function textOf(lines: readonly OutputLine[]): string[] {
  return lines.map((line) => line.text);
}

/** What is the same of a line however often it is read: when it was read is not. */
export function contentOf(lines: readonly OutputLine[]): Omit<OutputLine, "at">[] {
  return lines.map(({ at, ...content }) => content);
}

/** The numbers from 1 to `to`, as the program `count` prints them. */
export function numbersTo(to: number): string[] {
  return Array.from({ length: to }, (_, index) => String(index + 1));
}

export async function linesOf(output: AsyncIterable<OutputRecord>): Promise<OutputLine[]> {
  const lines: OutputLine[] = [];
  for await (const record of output) if (record.type === "lines") lines.push(...record.lines);
  return lines;
}

/** How `work` settles; fails if it has not within `withinMs`. */
export async function settled<T>(work: Promise<T>, withinMs = 2_000): Promise<PromiseSettledResult<T>> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It has not settled within ${withinMs} ms`)), withinMs);
  });
  try {
    const [result] = await Promise.race([Promise.allSettled([work]), late]);
    return result;
  } finally {
    clearTimeout(timer);
  }
}
