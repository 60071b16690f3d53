import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type OutputStream, stripControls, Terminal } from "../../src/cli/terminal.ts";

const ESC = "\u001b";

describe("text from outside", () => {
  test.each([
    ["a colour", `${ESC}[31mred${ESC}[0m`, "red"],
    ["a title", `${ESC}]0;owned\u0007text`, "text"],
    ["a link", `${ESC}]8;;http://evil${ESC}\\text${ESC}]8;;${ESC}\\`, "text"],
    ["the clipboard", `${ESC}]52;c;cm0gLXJm\u0007text`, "text"],
    ["a device query", `${ESC}P+q544e${ESC}\\text`, "text"],
    ["an 8-bit sequence", "\u009b2Jtext\u009d0;owned\u009c", "text"],
    ["a two-character escape", `${ESC}ctext`, "text"],
    ["a sequence that does not end", `text${ESC}[`, "text"],
    ["a carriage return", "real\rfake", "realfake"],
    ["a backspace", "real\b\b\b\bfake", "realfake"],
    ["a line feed", "one\ntwo", "onetwo"],
    ["reversed text", "abc\u202edef", "abcdef"],
  ])("loses %s", (_what, text, left) => {
    expect(stripControls(text)).toBe(left);
  });

  test.each(["tab\tstays", "Grüße, 世界 🎭", "[31m is text", "a | b"])("%j stays as it is", (text) => {
    expect(stripControls(text)).toBe(text);
  });

  property.prop([fc.string({ unit: "binary" })])("holds nothing that acts on a terminal", (text) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(stripControls(text)).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/);
  });
});

describe("a terminal", () => {
  test("strips what is inside of styles, and colours only terminals", () => {
    const [tty, pipe] = [capture(true), capture(false)];
    const line = ["a", { text: `b${ESC}[2J`, style: "red" }] as const;

    terminalOn(tty, true).print(line);
    terminalOn(tty, false).print(line);
    terminalOn(pipe, true).print(line);

    expect(tty.text).toBe(`a${ESC}[31mb${ESC}[0m\nab\n`);
    expect(pipe.text).toBe("ab\n");
  });

  test("escapes what JSON leaves of control characters", () => {
    const stream = capture(true);

    terminalOn(stream).json({ text: `${ESC}[2J\u009b2J\u007f` });

    expect(stream.text).toBe('{"text":"\\u001b[2J\\u009b2J\\u007f"}\n');
  });

  test("repaints live lines in place, below what is printed", () => {
    const stream = capture(true);
    const terminal = terminalOn(stream, false);

    terminal.live([["one"], ["two"]]);
    terminal.print(["printed"]);
    terminal.live([["three"]]);

    const wrap = (text: string) => `${ESC}[?7l${text}${ESC}[?7h`;
    expect(stream.text).toBe(
      `${ESC}[?25l${wrap("one\ntwo\n")}${ESC}[2F${ESC}[Jprinted\n${wrap("one\ntwo\n")}${ESC}[2F${ESC}[J${wrap("three\n")}`,
    );
  });

  test("shows the last live lines where there are more than it is high", () => {
    const stream = capture(true, 3);

    terminalOn(stream, false).live([["one"], ["two"], ["three"]]);

    expect(stream.text).toContain("two\nthree\n");
    expect(stream.text).not.toContain("one");
  });

  test("shows all live lines on a terminal that does not know its height", () => {
    const stream = capture(true, 0);

    terminalOn(stream, false).live([["one"], ["two"]]);

    expect(stream.text).toContain("one\ntwo\n");
  });

  test("gives the cursor back once, and only if it took it", () => {
    const stream = capture(true);
    const terminal = terminalOn(stream);

    terminal.restore();
    expect(stream.text).toBe("");

    terminal.live([["one"]]);
    terminal.restore();
    terminal.restore();
    expect(stream.text.match(/\?25h/g)).toEqual(["?25h"]);
  });

  test("waits for a reader that is behind", async () => {
    const listeners: Record<string, () => void> = {};
    const removed: string[] = [];
    const stream: OutputStream = {
      writableNeedDrain: true,
      write: () => false,
      once: (name, listener) => void Object.assign(listeners, { [name]: listener }),
      off: (name) => removed.push(name),
    };
    let isDrained = false;

    const drained = terminalOn(stream)
      .drained()
      .then(() => {
        isDrained = true;
      });
    await Promise.resolve();
    expect(isDrained).toBe(false);

    listeners["drain"]?.();
    await drained;
    expect(removed.sort()).toEqual(["close", "drain"]);
  });
});

function terminalOn(stream: OutputStream, color = true): Terminal {
  return new Terminal({ stdout: stream, stderr: stream, color });
}

function capture(isTTY: boolean, rows = 24): OutputStream & { text: string } {
  return {
    text: "",
    isTTY,
    rows,
    write(text) {
      this.text += text;
      return true;
    },
    once: () => {},
    off: () => {},
  };
}
