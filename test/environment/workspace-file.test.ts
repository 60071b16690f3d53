import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { parseWorkspaceFile } from "../../src/environment/workspace-file.ts";
import { TroupeError } from "../../src/errors.ts";

const MEBIBYTE = 1_048_576;

function refusalOf(text: string): TroupeError {
  try {
    parseWorkspaceFile(text, { file: "shop.yaml" });
  } catch (error) {
    if (error instanceof TroupeError) return error;
    throw error;
  }
  throw new Error("the text was accepted");
}

describe("parseWorkspaceFile", () => {
  test("reads YAML and JSON alike", () => {
    const expected = { name: "one", list: [1, "two", true, null] };

    expect(parseWorkspaceFile("name: one\nlist: [1, two, true, null]\n")).toEqual(expected);
    expect(parseWorkspaceFile(JSON.stringify(expected, null, "\t"))).toEqual(expected);
  });

  test("reads YAML 1.2: yes, on and 0o are words, as written", () => {
    expect(parseWorkspaceFile("a: yes\nb: on\nc: 010\nd: 12:30:45")).toEqual({
      a: "yes",
      b: "on",
      c: 10,
      d: "12:30:45",
    });
  });

  test("makes 0 of -0, which would not survive being stored", () => {
    expect(parseWorkspaceFile("a: -0")).toEqual({ a: 0 });
  });

  test("resolves anchors and aliases", () => {
    expect(parseWorkspaceFile("a: &a { x: 1 }\nb: *a")).toEqual({ a: { x: 1 }, b: { x: 1 } });
  });

  test.each<[what: string, text: string, path: string, message: string]>([
    ["bad syntax, with line and column", "a: 1\nb: [1, 2\nc: 3\n", "", "line 3, column 1: "],
    ["broken JSON, with line and column", '{\n  "a": "b\n}', "", "line 3, column 2: "],
    ["a key that is there twice", "a:\n  b: 1\n  c: 2\n  b: 3\n", "a.b", "line 4, column 3: is there twice"],
    ["a JSON key that is there twice", '{"a": 1, "a": 2}', "a", "line 1, column 10: is there twice"],
    ["a key that is there twice in a list", "l:\n  - {a: 1, a: 2}", "l.0.a", "line 2, column 12: is there twice"],
    ["the key __proto__", "a: { __proto__: { polluted: 1 } }", "a.__proto__", "is a name that every object has"],
    ["the key constructor", "constructor: 1", "constructor", "is a name that every object has"],
    ["the key prototype", "a: [{ prototype: 1 }]", "a.0.prototype", "is a name that every object has"],
    ["two documents", "a: 1\n---\nb: 2", "", "line 2, column 1: "],
    ["an unknown tag", "a: !js/function x", "", "line 1, column 4: "],
    ["an unknown alias", "a: *b", "a", 'line 1, column 4: there is no anchor "b"'],
    ["no number", "a: .nan", "a", "must be plain data"],
  ])("refuses %s", (_, text, path, message) => {
    const { code, problems } = refusalOf(text);

    expect(code).toBe("CONFIG_INVALID");
    expect(problems[0]).toEqual({ path, message: expect.stringContaining(message) });
  });

  test("names the file", () => {
    expect(refusalOf("a: [").message).toContain('Cannot use workspace file "shop.yaml": line 1, column ');
    expect(refusalOf(" ".repeat(MEBIBYTE + 1)).message).toContain('workspace file "shop.yaml"');
  });

  test("reads a mebibyte, and not a byte more", () => {
    expect(parseWorkspaceFile(`a: ${"x".repeat(MEBIBYTE - 3)}`)).toEqual({ a: "x".repeat(MEBIBYTE - 3) });
    expect(refusalOf(`a: ${"x".repeat(MEBIBYTE - 2)}`).code).toBe("PAYLOAD_TOO_LARGE");
    expect(refusalOf("é".repeat(MEBIBYTE / 2 + 1)).code).toBe("PAYLOAD_TOO_LARGE");
  });

  test.each<[what: string, text: string]>([
    [
      "aliases of aliases",
      [
        "a: &a [x,x,x,x,x,x,x,x,x]",
        ...range(9).map((n) => `${letter(n + 1)}: &${letter(n + 1)} [${Array(9).fill(`*${letter(n)}`)}]`),
      ].join("\n"),
    ],
    ["an alias to itself", "a: &a [*a]"],
    ["nested lists", "[".repeat(20_000)],
    ["closed nested lists", `${"[".repeat(2_000)}${"]".repeat(2_000)}`],
    ["nested complex keys", "? ".repeat(20_000)],
    ["nested block lists", "- ".repeat(20_000)],
    [
      "nesting by indentation",
      range(500)
        .map((n) => `${" ".repeat(n)}a:`)
        .join("\n"),
    ],
    [
      "very many keys",
      range(50_000)
        .map((n) => `k${n}: 1`)
        .join("\n"),
    ],
    ["very many empty values", `[${",".repeat(50_000)}]`],
  ])("refuses %s in a moment", (_, text) => {
    const before = performance.now();

    expect(refusalOf(text).code).toBe("CONFIG_INVALID");
    // Generous, for a machine that does much else; without the limits these take minutes, or never end.
    expect(performance.now() - before).toBeLessThan(20_000);
  });

  property.prop([
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc
        .array(
          fc.constantFrom("a", ":", " ", "\n", "-", "[", "]", "{", "}", "&a", "*a", "?", "!", "|", '"', ",", "#"),
          { maxLength: 60 },
        )
        .map((parts) => parts.join("")),
    ),
  ])("gives plain data or says what is wrong, whatever the text", (text) => {
    try {
      const data = parseWorkspaceFile(text);
      expect(JSON.parse(JSON.stringify(data))).toEqual(data);
    } catch (error) {
      expect(error).toBeInstanceOf(TroupeError);
      expect((error as TroupeError).problems.length).toBeGreaterThan(0);
    }
  });
});

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

function letter(index: number): string {
  return String.fromCharCode("a".charCodeAt(0) + index);
}
