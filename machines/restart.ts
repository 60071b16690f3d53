/** When a machine that ended is started again. Pure; terms and defaults as in OTP's supervisor. */
import type { Exit } from "./failure.ts";

export interface RestartPolicy {
  /** `permanent`: always. `transient`: unless it ended with code 0. `temporary`: never. */
  readonly restart: "permanent" | "transient" | "temporary";
  /** More crashes than this within `withinMs`, and the machine's failure goes to the workspace. */
  readonly maxRestarts: number;
  readonly withinMs: number;
  /** Wait before the first restart, in milliseconds; doubles with each crash that still counts. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
}

/** Whether an exit is the end of the machine's work rather than a crash. */
export function isFinished(policy: RestartPolicy, exit: Exit | null): boolean {
  return policy.restart !== "permanent" && exit !== null && exit.code === 0 && !exit.oomKilled;
}

/** The crashes that still count at `now`, this one included. */
export function crashesAt(policy: { readonly withinMs: number }, crashes: readonly number[], now: number): number[] {
  return [...crashes.filter((at) => now - at < policy.withinMs), now];
}

/** Whether a crash at `now` is answered by a restart. */
export function mayRestart(policy: RestartPolicy, crashes: readonly number[], now: number): boolean {
  return policy.restart !== "temporary" && crashesAt(policy, crashes, now).length <= policy.maxRestarts;
}

/** The wait before the restart that answers the last of `crashes`, in milliseconds. */
export function backoffMs(policy: RestartPolicy, crashes: readonly number[]): number {
  return Math.min(policy.backoffMs * 2 ** Math.max(0, crashes.length - 1), policy.maxBackoffMs);
}
