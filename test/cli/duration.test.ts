import { describe, expect, test } from "vitest";
import { formatDuration, formatElapsed, parseDuration } from "../../src/cli/duration.ts";

describe("parseDuration()", () => {
  test.each([
    ["500ms", 500],
    ["10s", 10_000],
    ["1.5m", 90_000],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    ["0s", 0],
  ])("reads %s as %d ms", (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  test.each(["", "10", "s", "-1s", "1 s", "1w", "1e3s", "10s5m", " 10s", "NaNs", "0x1s"])(
    "takes %j for none",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

test.each([
  [0, "0.0 s"],
  [-50, "0.0 s"],
  [3_249, "3.2 s"],
  [59_990, "59.9 s"],
  [60_000, "60 s"],
  [725_000, "12 min 5 s"],
  [8_040_000, "2 h 14 min"],
  [273_600_000, "3 d 4 h"],
])("%d ms are written %s", (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});

test("elapsed time is written with its budget", () => {
  expect(formatElapsed(3_200, 180_000)).toBe("3.2 s of 180 s");
  expect(formatElapsed(3_200, 1_500)).toBe("3.2 s of 1.5 s");
  expect(formatElapsed(3_200, null)).toBe("3.2 s");
});
