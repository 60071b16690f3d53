import { fc, test } from "@fast-check/vitest";
import { describe, expect } from "vitest";
import { safeFileName } from "../../../src/infrastructure/process/file-name.ts";

describe("safeFileName()", () => {
  test.each(["main", "web-1", "a_b"])("leaves %s as it is", (name) => {
    expect(safeFileName(name)).toBe(name);
  });

  test.prop([fc.string({ unit: "binary", maxLength: 300 })])("never leads anywhere", (name) => {
    expect(safeFileName(name)).toMatch(/^[a-z0-9_-]{0,80}(\.[0-9a-f]{24})?$/);
    expect(safeFileName(name)).not.toBe("");
  });

  test.prop([fc.uniqueArray(fc.oneof(fc.string(), fc.constantFrom("a/b", "a-b", "A-B", "a.b", "..", "", "a b")))])(
    "gives different names to different names, on file systems that ignore case too",
    (names) => {
      expect(new Set(names.map((name) => safeFileName(name).toLowerCase())).size).toBe(names.length);
    },
  );

  test("never takes the digest of one name for another's own", () => {
    expect(safeFileName(safeFileName("a/b"))).not.toBe(safeFileName("a/b"));
  });
});
