/** Nothing of ours writes to the console, so a warning there is a library that objects to how we use it: it fails the test. */
import { afterEach, beforeEach, expect, vi } from "vitest";

const warn = vi.spyOn(console, "warn");

beforeEach(() => {
  warn.mockClear();
});

afterEach(() => {
  expect(warn.mock.calls).toEqual([]);
});
