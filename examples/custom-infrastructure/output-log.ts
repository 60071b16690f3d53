import { StringDecoder } from "node:string_decoder";

interface LoggedLine {
  /** Byte position after the line in the stream. */
  readonly position: number;
  readonly at: number;
  readonly text: string;
}

/** Lines that are kept; older ones are dropped. */
const MAX_LINES = 10_000;

/** A longer line is kept in pieces. */
const MAX_LINE_LENGTH = 32 * 1024;

/** What one stream said last: bounded, and readable from any position again and again. */
export class OutputLog {
  readonly #changed: () => void;
  readonly #decoder = new StringDecoder("utf8");
  readonly #lines: LoggedLine[] = [];
  /** The line that is being written. */
  #rest = "";
  /** Positions before the first line that is kept, and after the last one. */
  #start = 0;
  #end = 0;

  /** `changed` is called whenever there is more to read. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  write(chunk: Buffer): void {
    const pieces = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = pieces.pop() ?? "";
    for (const piece of pieces) this.#add(piece, 1);
    while (this.#rest.length > MAX_LINE_LENGTH) {
      this.#add(this.#rest.slice(0, MAX_LINE_LENGTH), 0);
      this.#rest = this.#rest.slice(MAX_LINE_LENGTH);
    }
    this.#changed();
  }

  /** Makes a last line without newline readable: its writer has ended. */
  flush(): void {
    this.#rest += this.#decoder.end();
    if (this.#rest !== "") this.#add(this.#rest, 0);
    this.#rest = "";
    this.#changed();
  }

  /** At most `limit` lines after `position`, and where they begin: later than `position` if lines were dropped. */
  after(position: number, limit: number): { readonly from: number; readonly lines: readonly LoggedLine[] } {
    const from = Math.max(position, this.#start);
    const first = this.#lines.findLastIndex((line) => line.position <= from) + 1;
    return { from, lines: this.#lines.slice(first, first + limit) };
  }

  /** The position before the last `count` lines. */
  tail(count: number): number {
    return count === 0 ? this.#end : (this.#lines.at(-count - 1)?.position ?? this.#start);
  }

  #add(text: string, newlineBytes: 0 | 1): void {
    this.#end += Buffer.byteLength(text) + newlineBytes;
    this.#lines.push({ position: this.#end, at: Date.now(), text });
    if (this.#lines.length > MAX_LINES) this.#start = this.#lines.shift()?.position ?? this.#start;
  }
}
