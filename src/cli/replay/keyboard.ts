import { on } from "node:events";
import type { InputStream } from "../host.ts";

/** An arrow or another key that sends a sequence; a lone escape; any other character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys are control characters
const KEY = /\u001b(?:\[|O)[0-9;]*[A-Za-z~]|[\s\S]/gu;

/** The keys that are pressed at a terminal, one at a time and unechoed, until it is closed or the consumer breaks off. */
export async function* keysFrom(input: InputStream): AsyncGenerator<string, void> {
  const chunks = on(input, "data", { close: ["end", "close"] });
  input.setRawMode?.(true);
  input.resume();
  try {
    for await (const [chunk] of chunks) yield* String(chunk).match(KEY) ?? [];
  } finally {
    input.setRawMode?.(false);
    input.pause();
  }
}
