import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { type Line, LineSplitter, MAX_LINE_BYTES } from "../../../src/infrastructure/process/line-splitter.ts";

function split(bytes: Buffer, cuts: readonly number[], from = 0): Line[] {
  const splitter = new LineSplitter(from);
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  const lines: Line[] = [];
  let start = 0;
  for (const end of [...places, bytes.length]) {
    lines.push(...splitter.push(bytes.subarray(start, end)));
    start = end;
  }
  return [...lines, ...splitter.flush()];
}

const cuts = fc.array(fc.nat(), { maxLength: 10 });
const line = fc.string({ unit: "grapheme", maxLength: 40 }).filter((text) => !/[\n\r]/.test(text) && text !== "");

describe("LineSplitter", () => {
  test.prop([fc.array(line), cuts])("gives back the lines, wherever the stream is cut", (texts, places) => {
    const lines = split(Buffer.from(texts.map((text) => `${text}\n`).join("")), places);

    expect(lines.map(({ text }) => text)).toEqual(texts);
  });

  test.prop([fc.uint8Array({ maxLength: 200 }), cuts])(
    "says the same of any bytes wherever they are cut, and accounts for each of them",
    (array, places) => {
      const bytes = Buffer.from(array);

      const lines = split(bytes, places, 1_000);

      expect(lines).toEqual(split(bytes, [], 1_000));
      if (bytes.length > 0) expect(lines.at(-1)?.position).toBe(1_000 + bytes.length);
    },
  );

  test.prop([line, fc.integer({ min: 0, max: 4 })])("a long line comes in pieces of whole characters", (text, more) => {
    const long = text.repeat(Math.ceil((MAX_LINE_BYTES * 2) / Buffer.byteLength(text)) + more);

    const lines = split(Buffer.from(`${long}\nnext\n`), [40_000]);

    expect(lines.at(-1)?.text).toBe("next");
    expect(lines.length).toBeGreaterThan(2);
    expect(
      lines
        .slice(0, -1)
        .map((piece) => piece.text)
        .join(""),
    ).toBe(long);
    for (const piece of lines) expect(Buffer.byteLength(piece.text)).toBeLessThanOrEqual(MAX_LINE_BYTES);
  });

  test("takes a carriage return before a line break for a part of it", () => {
    expect(split(Buffer.from("one\r\ntw\ro\n"), [4])).toEqual([
      { text: "one", position: 5 },
      { text: "tw\ro", position: 10 },
    ]);
  });

  test("replaces what is not UTF-8", () => {
    expect(split(Buffer.from([0x61, 0xff, 0x62, 0x0a]), [])).toEqual([{ text: "a\uFFFDb", position: 4 }]);
  });
});
