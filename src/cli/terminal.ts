/**
 * The only way to the user's terminal.
 *
 * What machines wrote, and what other users named things, may hold control characters that move the cursor, change
 * the title or fill the clipboard. So text is never written as it is: a line is made of spans, each of which is
 * stripped here; colours are styles of spans, and the only escape sequences that come out are ours.
 */

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan";
export type Span = string | { readonly text: string; readonly style: Style };
export type Line = readonly Span[];

/** What a terminal needs of a stream. */
export interface OutputStream {
  readonly isTTY?: boolean;
  /** Height in lines, of a terminal. */
  readonly rows?: number;
  readonly writableNeedDrain?: boolean;
  write(text: string): boolean;
  once(event: "drain" | "close", listener: () => void): unknown;
  off(event: "drain" | "close", listener: () => void): unknown;
}

export interface TerminalOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly color: boolean;
}

/** SGR parameters (ECMA-48, section 8.3.117). */
const sgr: Readonly<Record<Style, number>> = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
};

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
/** Lines that are too long are cut by the terminal itself, which alone knows how wide its characters are. */
const NO_WRAP = "\u001b[?7l";
const WRAP = "\u001b[?7h";
const ERASE_BELOW = "\u001b[J";

const DEFAULT_ROWS = 24;

export class Terminal {
  readonly isInteractive: boolean;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  readonly #color: boolean;
  #live: readonly Line[] = [];
  #isCursorHidden = false;

  constructor({ stdout, stderr, color }: TerminalOptions) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#color = color;
    this.isInteractive = stdout.isTTY === true;
  }

  /** Writes a line of the command's result. */
  print(line: Line): void {
    this.#above(() => this.#stdout.write(`${this.#render(line, this.#stdout)}\n`));
  }

  /** Writes a line about the command: an error, a hint. */
  tell(line: Line): void {
    this.#above(() => this.#stderr.write(`${this.#render(line, this.#stderr)}\n`));
  }

  /** Writes a document on a line of its own. */
  json(document: unknown): void {
    this.#stdout.write(`${escapeControls(JSON.stringify(document))}\n`);
  }

  /** Writes text as it is: for users who asked for that, and for nothing else. */
  raw(text: string): void {
    this.#stdout.write(text);
  }

  /** Shows lines that can change: replaces those of the last call, below everything else. Terminals only. */
  live(lines: readonly Line[]): void {
    // One row is for the cursor. A terminal that does not know its height says 0, or nothing.
    const shown = lines.slice(-Math.max(1, (this.#stdout.rows || DEFAULT_ROWS) - 1));
    this.#stdout.write(this.#hideCursor() + this.#eraseLive() + this.#frame(shown));
    this.#live = shown;
  }

  /** Leaves the live lines where they are and gives the terminal back as it was. May be called at any time. */
  restore(): void {
    this.#live = [];
    if (!this.#isCursorHidden) return;
    this.#isCursorHidden = false;
    this.#stdout.write(WRAP + SHOW_CURSOR);
  }

  /** Resolves when the reader of our output has caught up, or is gone. */
  async drained(): Promise<void> {
    const stream = this.#stdout;
    if (stream.writableNeedDrain !== true) return;
    await new Promise<void>((resolve) => {
      const finish = () => {
        stream.off("drain", finish);
        stream.off("close", finish);
        resolve();
      };
      stream.once("drain", finish);
      stream.once("close", finish);
    });
  }

  #above(write: () => void): void {
    const live = this.#live;
    if (live.length > 0) this.#stdout.write(this.#eraseLive());
    write();
    if (live.length > 0) this.#stdout.write(this.#frame(live));
  }

  #hideCursor(): string {
    if (this.#isCursorHidden) return "";
    this.#isCursorHidden = true;
    return HIDE_CURSOR;
  }

  #eraseLive(): string {
    return this.#live.length === 0 ? "" : `\u001b[${this.#live.length}F${ERASE_BELOW}`;
  }

  #frame(lines: readonly Line[]): string {
    const text = lines.map((line) => `${this.#render(line, this.#stdout)}\n`).join("");
    return NO_WRAP + text + WRAP;
  }

  #render(line: Line, stream: OutputStream): string {
    const isColored = this.#color && stream.isTTY === true;
    return line
      .map((span) => {
        const text = plainText(span);
        return isColored && typeof span !== "string" && text !== ""
          ? `\u001b[${sgr[span.style]}m${text}\u001b[0m`
          : text;
      })
      .join("");
  }
}

/** A span as it is shown, without its style. */
export function plainText(span: Span): string {
  return stripControls(typeof span === "string" ? span : span.text);
}

/**
 * Escape sequences as a whole (ECMA-48: control strings, control sequences, two-character escapes), so that no
 * remains of them are printed.
 */
const escapeSequences =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /(?:\u001b[PX\]^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[ -/]*[0-~]?/g;

/** C0 but tab, DEL, C1, line separators, and what turns the direction of text around. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** What is left of text when nothing in it can act on a terminal, or make it look like other text. */
export function stripControls(text: string): string {
  return text.replace(escapeSequences, "").replace(controls, "");
}

/** JSON leaves DEL and C1 as they are, and some terminals act on those too. */
function escapeControls(json: string): string {
  return json.replace(/[\u007f-\u009f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
