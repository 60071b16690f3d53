import type { Infrastructure, InstanceRef, OutputCursor, OutputRecord } from "../../infrastructure/spi.ts";
import type { OutputLine } from "../../model/workspace.ts";
import { BrokenClause } from "./broken-clause.ts";

/** Reads a machine's output bit by bit, each time from where it was. */
export class Reader {
  readonly machine: string;
  readonly #streams = new Map<string, OutputLine[]>();
  readonly #cursor: Record<string, number>;
  /** Streams of which some was dropped: all that can be said of them is that positions grow. */
  readonly #gapped = new Set<string>();
  #reading = 0;

  constructor(machine: string, cursor: OutputCursor = {}) {
    this.machine = machine;
    this.#cursor = { ...cursor };
  }

  /** By name: `""` is the machine's own. */
  get streams(): ReadonlyMap<string, readonly OutputLine[]> {
    return this.#streams;
  }

  hasGap(stream: string): boolean {
    return this.#gapped.has(stream);
  }

  textOf(stream: string): string[] {
    return (this.#streams.get(stream) ?? []).map(({ text }) => text);
  }

  /** Reads what is there. */
  async glance(infrastructure: Infrastructure, ref: InstanceRef, signal: AbortSignal): Promise<void> {
    await this.#read(infrastructure.output(ref, this.machine, this.#here, { follow: false }, signal), () => false);
  }

  /** Reads until there is enough, or nothing more can come. */
  async follow(
    infrastructure: Infrastructure,
    ref: InstanceRef,
    isEnough: () => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    if (isEnough()) return;
    await this.#read(infrastructure.output(ref, this.machine, this.#here, { follow: true }, signal), isEnough);
  }

  get #here(): OutputCursor {
    return { ...this.#cursor };
  }

  async #read(output: AsyncIterable<OutputRecord>, isEnough: () => boolean): Promise<void> {
    this.#reading += 1;
    const reading = this.#reading;
    for await (const record of output) {
      if (reading !== this.#reading) return; // It was given up when its supervisor was killed, and another one reads.
      this.#take(record);
      if (isEnough()) return;
    }
  }

  #take(record: OutputRecord): void {
    if (record.type === "lines") for (const line of record.lines) this.#takeLine(line);
    else {
      const stream = record.installer ?? "";
      const from = this.#cursor[stream] ?? 0;
      const isGap = record.from === from && record.to > from;
      this.#assert(isGap, `tells a gap from ${record.from} to ${record.to} to one who has read up to ${from}`);
      this.#cursor[stream] = record.to;
      this.#gapped.add(stream);
    }
  }

  #takeLine(line: OutputLine): void {
    const stream = line.installer ?? "";
    const from = this.#cursor[stream] ?? 0;
    this.#assert(line.machine === this.machine, `tells a line of machine "${line.machine}"`);
    this.#assert(line.position > from, `tells "${line.text}" at ${line.position} to one who has read up to ${from}`);
    this.#cursor[stream] = line.position;
    const lines = this.#streams.get(stream) ?? [];
    lines.push(line);
    this.#streams.set(stream, lines);
  }

  #assert(holds: boolean, finding: string): void {
    if (!holds) throw new BrokenClause("resumes", `output() of ${this.machine} ${finding}`);
  }
}
