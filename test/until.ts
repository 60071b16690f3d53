import { setTimeout as sleep } from "node:timers/promises";

export interface Patience {
  readonly withinMs: number;
  /** What is waited for, as the end of a sentence. Asked when it did not come. */
  readonly what: string | (() => string);
  /** Between two looks. Default 10. */
  readonly everyMs?: number;
}

/**
 * Waits for what nobody announces, by looking again and again. Needs no test runner.
 *
 * @returns the first truthy thing that was seen.
 * @throws {Error} if there was none in time; what `look` throws.
 */
export async function until<Seen>(
  look: () => Seen | Promise<Seen>,
  { withinMs, what, everyMs = 10 }: Patience,
): Promise<Exclude<Seen, undefined | null | false>> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen as Exclude<Seen, undefined | null | false>;
    if (performance.now() >= giveUpAt) {
      throw new Error(`Waited ${withinMs} ms for ${typeof what === "string" ? what : what()}`);
    }
    await sleep(everyMs);
  }
}
