import { EventEmitter, once } from "node:events";
import type { OutputCursor, OutputOptions, OutputRecord } from "troupe";
import { OutputLog } from "./output-log.ts";

const MAX_LINES_PER_RECORD = 1_000;

/** What a machine and its installers write: a log each, by installer id; `""` is the machine's own. */
export class MachineOutput {
  readonly #machine: string;
  readonly #logs = new Map<string, OutputLog>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #isComplete = false;

  constructor(machine: string) {
    this.#machine = machine;
  }

  log(name: string): OutputLog {
    const log = this.#logs.get(name) ?? new OutputLog(() => this.#changes.emit("change"));
    this.#logs.set(name, log);
    return log;
  }

  /** Whether nothing more will come: followers end when they have read all. */
  set isComplete(isComplete: boolean) {
    this.#isComplete = isComplete;
    this.#changes.emit("change");
  }

  async *read(
    cursor: OutputCursor,
    { follow, tail }: OutputOptions,
    signal: AbortSignal,
  ): AsyncGenerator<OutputRecord> {
    const tails = tail === undefined ? [] : [...this.#logs].map(([name, log]) => [name, log.tail(tail)] as const);
    const positions = new Map([...tails, ...Object.entries(cursor)]);
    while (!signal.aborted) {
      const records = [...this.#logs].flatMap(([name, log]) => this.#next(name, log, positions));
      yield* records;
      if (records.length > 0) continue;
      if (!follow || this.#isComplete) return;
      await once(this.#changes, "change", { signal }).catch(() => {}); // it has changed, or the loop ends
    }
  }

  /** What comes next in one log, which moves its position on. */
  #next(name: string, log: OutputLog, positions: Map<string, number>): OutputRecord[] {
    const to = positions.get(name) ?? 0;
    const source = { machine: this.#machine, installer: name === "" ? null : name };
    const { from, lines } = log.after(to, MAX_LINES_PER_RECORD);
    positions.set(name, lines.at(-1)?.position ?? from);

    const gap = { type: "gap", ...source, from: to, to: from } as const;
    const more = { type: "lines", lines: lines.map((line) => ({ ...source, ...line })) } as const;
    return [...(from > to ? [gap] : []), ...(lines.length > 0 ? [more] : [])];
  }
}
