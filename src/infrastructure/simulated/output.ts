import type { OutputLine } from "../../model/workspace.ts";
import type { OutputCursor, OutputOptions, OutputRecord } from "../spi.ts";
import { Bell } from "./bell.ts";

/** Lines in one record. */
const MAX_LINES_PER_RECORD = 1_000;

/** What one machine and its installers wrote: a stream each, which goes on over restarts of the machine. */
export class MachineOutput {
  readonly machine: string;
  readonly #limitBytes: number;
  /** By installer id, `""` for the machine's own command. */
  readonly #streams = new Map<string, Stream>();
  readonly #changed = new Bell();
  /** Whether its machine is gone. */
  #complete = false;
  #removals = 0;

  /** `limitBytes`: what each stream keeps; older lines are dropped. */
  constructor(machine: string, limitBytes: number) {
    this.machine = machine;
    this.#limitBytes = limitBytes;
  }

  print(installer: string | null, text: string, at: number): void {
    const name = installer ?? "";
    const stream = this.#streams.get(name) ?? { lines: [], droppedTo: 0, end: 0 };
    this.#streams.set(name, stream);
    for (const line of text.split("\n")) {
      stream.end += Buffer.byteLength(line) + 1;
      stream.lines.push({ machine: this.machine, installer, position: stream.end, at, text: line });
    }
    while (stream.end - stream.droppedTo > this.#limitBytes) {
      const dropped = stream.lines.shift();
      if (dropped === undefined) break;
      stream.droppedTo = dropped.position;
    }
    this.#changed.ring();
  }

  /** The machine is gone: who follows has all there is. */
  complete(): void {
    this.#complete = true;
    this.#removals += 1;
    this.#changed.ring();
  }

  /** The machine is made again: there is more to come. */
  reopen(): void {
    this.#complete = false;
  }

  async *read(cursor: OutputCursor, options: OutputOptions, signal: AbortSignal): AsyncGenerator<OutputRecord> {
    const read = new Map(Object.entries(cursor));
    const removals = this.#removals;
    if (options.tail !== undefined) this.#skipTo(options.tail, read);
    while (!signal.aborted) {
      const next = this.#next(read);
      if (next !== null) yield next;
      else if (!options.follow || this.#complete || this.#removals > removals) return;
      else await this.#changed.wait(signal);
    }
  }

  /** Puts the streams that `read` does not name at `tail` lines before their end. */
  #skipTo(tail: number, read: Map<string, number>): void {
    for (const [name, { lines, end }] of this.#streams) {
      if (read.has(name)) continue;
      const skipped = tail === 0 ? end : lines.at(-tail - 1)?.position;
      if (skipped !== undefined) read.set(name, skipped);
    }
  }

  /** The next record after `read`, which it moves on. */
  #next(read: Map<string, number>): OutputRecord | null {
    for (const [name, { lines, droppedTo }] of this.#streams) {
      const from = read.get(name) ?? 0;
      if (from < droppedTo) {
        read.set(name, droppedTo);
        return { type: "gap", machine: this.machine, installer: name || null, from, to: droppedTo };
      }
      const first = indexAfter(lines, from);
      const batch = lines.slice(first, first + MAX_LINES_PER_RECORD);
      const last = batch.at(-1);
      if (last === undefined) continue;
      read.set(name, last.position);
      return { type: "lines", lines: batch };
    }
    return null;
  }
}

interface Stream {
  readonly lines: OutputLine[];
  /** Where the first line that is kept begins. */
  droppedTo: number;
  end: number;
}

/** The first line that ends after `position`. */
function indexAfter(lines: readonly OutputLine[], position: number): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lines[middle]?.position ?? 0) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}
