/**
 * Values as text in the journal's columns; the one file that knows superjson.
 *
 * Text is read as bytes: libsql ends the process when it meets text that is not UTF-8, as a damaged file may hold.
 */
import superjson from "superjson";

/** Marks what superjson wrote. No JSON text begins with it. */
const RICH = "~";

/** Deeper values go to superjson, which also copes with cycles. */
const MAX_PLAIN_DEPTH = 64;

/**
 * Plain values become plain JSON, which is what nearly all are: looking first costs less than a tenth of what
 * superjson does to any value. Dates, maps, sets, big integers and the like go through superjson.
 *
 * @throws if one of those stands beside a key that superjson refuses: `__proto__`, `prototype`, `constructor`.
 */
export function encode(value: unknown): string {
  return isPlain(value, 0) ? JSON.stringify(value) : RICH + superjson.stringify(value);
}

export function encodeNullable(value: unknown): string | null {
  return value === null ? null : encode(value);
}

/** For a SELECT: the column, to be read by the functions below. */
export function bytesOf(column: string): string {
  return `CAST(${column} AS BLOB) AS ${column}`;
}

export type Bytes = ArrayBuffer;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function text(bytes: Bytes): string {
  return utf8.decode(bytes);
}

/** What {@link encode} was given. The caller knows its type: nobody else writes these columns. */
export function decode<Value>(bytes: Bytes): Value {
  const encoded = text(bytes);
  return encoded.startsWith(RICH) ? superjson.parse<Value>(encoded.slice(RICH.length)) : (JSON.parse(encoded) as Value);
}

export function decodeNullable<Value>(bytes: Bytes | null): Value | null {
  return bytes === null ? null : decode<Value>(bytes);
}

/** Whether an error means that the bytes were not what {@link encode} made. */
export function isUnreadable(error: unknown): boolean {
  return (
    error instanceof SyntaxError || (error as { code?: unknown } | null)?.code === "ERR_ENCODING_INVALID_ENCODED_DATA"
  );
}

/** Whether JSON gives the value back as it was (but for the sign of zero). */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object":
      return value === null || (depth < MAX_PLAIN_DEPTH && isPlainObject(value, depth + 1));
    default:
      return false;
  }
}

function isPlainObject(value: object, depth: number): boolean {
  if (Array.isArray(value)) return value.every((item) => isPlain(item, depth));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const item of Object.values(value)) if (!isPlain(item, depth)) return false;
  return true;
}
