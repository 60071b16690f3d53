/** When a server is probed. What the results mean is counted by its chart. */
import type { ProbeResult } from "../infrastructure/spi.ts";
import type { LivenessSpec, ReadinessSpec } from "../model/environment.ts";
import type { Clock } from "../supervisor/api.ts";
import { wait } from "./wait.ts";

/** Asks the server once. Rejects with `signal.reason` and with nothing else. */
export type Ask = (signal: AbortSignal) => Promise<ProbeResult>;

/** Most servers of a process are up within some tens of milliseconds: the first probe comes after this. */
const FIRST_PROBE_MS = 5;

/** Each wait is this much longer than the last: a server that came up at `t` is seen before about `1.2 t`. */
const BACKOFF = 1.2;

/**
 * Probes a server that is coming up: after 5 ms, then less and less often, down to once in `periodMs`.
 *
 * Goes on until the consumer breaks off; an abort ends it at once, with `signal.reason`.
 */
export async function* readinessProbes(
  { periodMs }: Pick<ReadinessSpec, "periodMs">,
  ask: Ask,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<ProbeResult, never> {
  for (let delayMs = FIRST_PROBE_MS; ; delayMs *= BACKOFF) {
    await wait(Math.min(delayMs, periodMs), clock, signal);
    yield await ask(signal);
  }
}

/**
 * Probes a server that was ready, every `periodMs`, counted from the end of the last probe: a server that answers
 * slowly is not asked twice at a time.
 *
 * Goes on until the consumer breaks off; an abort ends it at once, with `signal.reason`.
 */
export async function* livenessProbes(
  { periodMs }: Pick<LivenessSpec, "periodMs">,
  ask: Ask,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<ProbeResult, never> {
  for (;;) {
    await wait(periodMs, clock, signal);
    yield await ask(signal);
  }
}
