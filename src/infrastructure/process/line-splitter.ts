/** A line longer than this comes in pieces, so that one line cannot take all memory. */
export const MAX_LINE_BYTES = 32_768;

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export interface Line {
  readonly text: string;
  /** Where in the stream the line ends, its line break included. */
  readonly position: number;
}

/** Cuts a stream of bytes into lines. Characters stay whole; bytes that are no UTF-8 are replaced. */
export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);
  #position: number;

  /** `position`: where in the stream the next byte is. */
  constructor(position: number) {
    this.#position = position;
  }

  /** Where in the stream the next byte is. */
  get position(): number {
    return this.#position;
  }

  push(bytes: Buffer): readonly Line[] {
    const lines: Line[] = [];
    let data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let start = this.#position - this.#rest.length;
    for (;;) {
      const newline = data.subarray(0, MAX_LINE_BYTES).indexOf(NEWLINE);
      if (newline < 0 && data.length <= MAX_LINE_BYTES) break;
      const length = newline < 0 ? wholeCharacters(data, MAX_LINE_BYTES) : newline + 1;
      start += length;
      lines.push({ text: textOf(data.subarray(0, length)), position: start });
      data = data.subarray(length);
    }
    this.#rest = Buffer.from(data); // a copy: the chunk behind it is larger
    this.#position += bytes.length;
    return lines;
  }

  /** The line that has no end, if there is one. No more of it will come. */
  flush(): readonly Line[] {
    if (this.#rest.length === 0) return [];
    const line = { text: textOf(this.#rest), position: this.#position };
    this.#rest = Buffer.alloc(0);
    return [line];
  }

  /** Goes on at `position`; what lies between is lost. */
  skipTo(position: number): void {
    this.#rest = Buffer.alloc(0);
    this.#position = position;
  }
}

function textOf(line: Buffer): string {
  let end = line.length;
  if (line[end - 1] === NEWLINE) {
    end -= 1;
    if (line[end - 1] === CARRIAGE_RETURN) end -= 1;
  }
  return line.toString("utf8", 0, end);
}

/** The largest length up to `limit` that does not cut a UTF-8 character (at most four bytes: RFC 3629, section 3). */
function wholeCharacters(data: Buffer, limit: number): number {
  for (let length = limit; length > limit - 4; length -= 1) {
    if (((data[length] ?? 0) & 0xc0) !== 0x80) return length;
  }
  return limit;
}
