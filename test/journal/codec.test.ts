import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { decode, encode, isUnreadable } from "../../src/journal/codec.ts";

const bytes = (encoded: string) => new TextEncoder().encode(encoded).buffer as ArrayBuffer;
const throughTheCodec = (value: unknown) => decode<unknown>(bytes(encode(value)));

describe("codec", () => {
  test("plain values are plain JSON, for whoever looks at the file", () => {
    expect(encode({ a: [1, null, "x"], b: { c: true } })).toBe('{"a":[1,null,"x"],"b":{"c":true}}');
  });

  const number = fc.double().map((value) => value + 0); // the sign of zero is not kept
  const anything = fc.anything({
    values: [
      ...[fc.boolean(), fc.integer(), number, fc.string(), fc.constant(null), fc.constant(undefined)],
      fc.date({ noInvalidDate: true }), // an invalid one is written as null
    ],
    key: fc.stringMatching(/^[a-z] ?[a-z]*$/).filter((key) => key !== "constructor" && key !== "prototype"),
    withMap: true,
    withSet: true,
    withBigInt: true,
  });

  test.prop([anything])("any value comes back as it was, dates, maps, sets and big integers included", (value) => {
    expect(throughTheCodec(value)).toEqual(value);
  });

  test.prop([fc.jsonValue()])("any JSON comes back as it was, whatever its keys", (value) => {
    expect(throughTheCodec(value)).toEqual(JSON.parse(JSON.stringify(value)));
  });

  test("a value that refers to itself does so again", () => {
    const value: { self?: unknown } = {};
    value.self = value;
    const back = throughTheCodec(value) as { self: unknown };

    expect(back.self).toBe(back);
  });

  test("what was not encoded is unreadable, be it no JSON, nothing of superjson's, or no text", () => {
    const noText = new Uint8Array([0x22, 0xff, 0x22]).buffer;
    for (const damaged of [bytes("{"), bytes("~{"), noText]) {
      let error: unknown;
      try {
        decode(damaged);
      } catch (caught) {
        error = caught;
      }
      expect(isUnreadable(error)).toBe(true);
    }
  });
});
