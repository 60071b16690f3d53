import type { OutputRecord } from "../spi.ts";
import type { Line } from "./line-splitter.ts";
import { LineSplitter } from "./line-splitter.ts";
import { type OutputFile, outputFiles, readChunk } from "./output-files.ts";

/** How much is read, and handed on, at a time. */
const CHUNK_BYTES = 65_536;

export interface StreamSource {
  readonly machine: string;
  readonly installer: string | null;
  readonly directory: string;
}

/** Reads one stream from a position on, as far as it has been written. */
export class OutputStream {
  readonly #source: StreamSource;
  readonly #lines: LineSplitter;
  #at = 0;

  constructor(source: StreamSource, position: number) {
    this.#source = source;
    this.#lines = new LineSplitter(position);
  }

  /** Where the next byte is read. */
  get position(): number {
    return this.#lines.position;
  }

  /**
   * Reads on, at most to `end` and at most one chunk.
   *
   * @returns `null` if there is nothing more for now; a record list may be empty when a chunk ends no line.
   */
  async read(end: number): Promise<readonly OutputRecord[] | null> {
    if (this.position >= end) return null;
    // Listed before the file is read: a file that has a successor has been written to its end.
    const files = await outputFiles(this.#source.directory);
    const index = files.findLastIndex(({ offset }) => offset <= this.position);
    const file = files[index];
    const next = files[index + 1];
    if (file !== undefined) {
      const records = await this.#readFile(file, end);
      if (records !== null) return records;
    }
    return next === undefined ? null : this.#skipTo(next.offset);
  }

  /** The last line, if it has no line break. Only for a stream to which nothing more is written. */
  flush(): readonly OutputRecord[] {
    return this.#records(this.#lines.flush());
  }

  async #readFile(file: OutputFile, end: number): Promise<readonly OutputRecord[] | null> {
    const records = file.isFirst && file.offset === this.position ? this.flush() : [];
    const chunk = await readChunk(file.path, this.position - file.offset, Math.min(CHUNK_BYTES, end - this.position));
    if (chunk === null || chunk.bytes.length === 0) return records.length === 0 ? null : records;
    this.#at = chunk.at;
    return [...records, ...this.#records(this.#lines.push(chunk.bytes))];
  }

  #skipTo(position: number): readonly OutputRecord[] {
    const { machine, installer } = this.#source;
    const cut = this.flush();
    const gap = { type: "gap", machine, installer, from: this.position, to: position } as const;
    this.#lines.skipTo(position);
    return [...cut, gap];
  }

  #records(lines: readonly Line[]): readonly OutputRecord[] {
    if (lines.length === 0) return [];
    const { machine, installer } = this.#source;
    const at = this.#at;
    return [{ type: "lines", lines: lines.map(({ text, position }) => ({ machine, installer, position, at, text })) }];
  }
}
