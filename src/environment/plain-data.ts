import type { Problem } from "../errors.ts";
import { pathOf } from "./problems.ts";

/** Deeper than any config, and far from the end of the stack. */
const MAX_DEPTH = 64;

/** Values in one document; a workspace of a hundred machines has a few thousand. */
export const MAX_VALUES = 10_000;

export interface PlainData {
  /** A copy that shares nothing with the input. */
  readonly data: unknown;
  readonly problems: readonly Problem[];
}

/**
 * Copies what JSON can say, and names everything else.
 *
 * After it there are only fresh plain objects, arrays, text, finite numbers, booleans and null: no cycle, no getter, no
 * prototype, no key that every object inherits (`__proto__`, `constructor`, `toString`), so that looking up a name never
 * finds something that nobody wrote. Properties that are `undefined` are left out. Never throws.
 */
export function plainData(input: unknown): PlainData {
  const problems: Problem[] = [];
  let values = 0;

  function copy(value: unknown, path: readonly string[]): unknown {
    values += 1;
    if (values > MAX_VALUES) throw new TooLarge();
    if (value === null || typeof value === "string" || typeof value === "boolean") return value;
    // Adding 0 makes 0 of -0, which JSON cannot say.
    if (typeof value === "number" && Number.isFinite(value)) return value + 0;
    if (typeof value !== "object") return refuse(path, `must be plain data, not ${describe(value)}`);
    if (path.length > MAX_DEPTH) return refuse(path.slice(0, 3), `is nested deeper than ${MAX_DEPTH} levels`);
    if (Array.isArray(value)) return value.map((item, index) => copy(item, [...path, String(index)]));
    if (!isPlainObject(value)) return refuse(path, "must be plain data, not an object of a class");
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key, inner]) => inner !== undefined && isSafeKey(key, path))
        .map(([key, inner]) => [key, copy(inner, [...path, key])]),
    );
  }

  function isSafeKey(key: string, path: readonly string[]): boolean {
    if (!(key in Object.prototype) && key !== "prototype") return true;
    refuse([...path, key], "is a name that every object has: choose another one");
    return false;
  }

  function refuse(path: readonly string[], message: string): null {
    problems.push({ path: pathOf("", path), message });
    return null;
  }

  try {
    return { data: copy(input, []), problems };
  } catch (error) {
    const message = error instanceof TooLarge ? `has more than ${MAX_VALUES} values` : "cannot be read as plain data";
    return { data: null, problems: [...problems, { path: "", message }] };
  }
}

class TooLarge extends Error {}

function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  return typeof value === "number" ? String(value) : typeof value;
}
