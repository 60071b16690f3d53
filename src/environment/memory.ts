/** Limits of memory, as machines' attributes say them. */
const factors: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

type Attributes = Readonly<Record<string, unknown>>;

/**
 * How much memory a machine may use, in bytes; `null` where nothing is said.
 *
 * `memoryLimitBytes` is Che's attribute, a whole number; `memoryLimit` is for people: `512m`, `1.5g` (powers of 1024).
 */
export function memoryLimitOf(attributes: Attributes): number | null {
  return bytesIn(attributes, "memoryLimitBytes", wholeBytes) ?? bytesIn(attributes, "memoryLimit", sizeInBytes);
}

/** What is wrong with them, by attribute. */
export function* memoryProblems(attributes: Attributes): Generator<{ path: string[]; message: string }> {
  for (const attribute of ["memoryLimitBytes", "memoryRequestBytes"]) {
    if (attributes[attribute] !== undefined && bytesIn(attributes, attribute, wholeBytes) === null) {
      yield { path: [attribute], message: "must be a whole number of bytes, at least 1" };
    }
  }
  if (attributes["memoryLimit"] !== undefined && bytesIn(attributes, "memoryLimit", sizeInBytes) === null) {
    yield { path: ["memoryLimit"], message: "must be a size such as 512m or 1.5g" };
  }
  if (attributes["memoryLimit"] !== undefined && attributes["memoryLimitBytes"] !== undefined) {
    yield { path: ["memoryLimit"], message: "says the same as memoryLimitBytes: give one of them" };
  }
  const limit = memoryLimitOf(attributes);
  const request = bytesIn(attributes, "memoryRequestBytes", wholeBytes);
  if (limit !== null && request !== null && limit < request) {
    yield { path: ["memoryRequestBytes"], message: `must not be more than the limit: ${limit} bytes` };
  }
}

function bytesIn(attributes: Attributes, attribute: string, read: (text: string) => number): number | null {
  const text = attributes[attribute];
  const bytes = typeof text === "string" ? read(text) : Number.NaN;
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : null;
}

function wholeBytes(text: string): number {
  return /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
}

function sizeInBytes(text: string): number {
  const [, amount, unit] = /^([0-9]+(?:\.[0-9]+)?) ?([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  return Math.floor(Number(amount) * (factors[unit?.toLowerCase() ?? ""] ?? Number.NaN));
}
