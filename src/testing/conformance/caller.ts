import type { Exit } from "../../../machines/failure.ts";
import type { Infrastructure, MachineFact } from "../../infrastructure/spi.ts";
import { type Call, isOfInstance, type TimedCall } from "./call.ts";
import { execRole, NOTE, workspaceOf } from "./cast.ts";
import type { Place } from "./place.ts";
import { type Outcome, outcomeOf, sleep } from "./time.ts";

/** "Soon" after an abort, in milliseconds: long for a promise, with room for a busy host. */
export const PROMPT_MS = 2_000;

/** A call that was made, and how it came out. */
export interface Made extends TimedCall {
  readonly outcome: Outcome<unknown>;
  /** What its signal was aborted with; `null` if it had not when the call settled. */
  readonly reason: Error | null;
  readonly tookMs: number;
  /** Whether the supervisor was killed meanwhile. */
  readonly wasKilled: boolean;
}

export interface CallLimits {
  readonly timeoutMs: number;
  /** Aborts when the supervisor is killed. */
  readonly killed: AbortSignal;
}

/** Makes a call at its time, and waits until it settles, or should have. `null`: it was not made any more. */
export async function makeCall(
  place: Place,
  timed: TimedCall,
  begin: (signal: AbortSignal) => Promise<unknown>,
  { timeoutMs, killed }: CallLimits,
): Promise<Made | null> {
  const { clock } = place;
  await sleep(clock, timed.afterMs);
  if (killed.aborted) return null;

  const abort = new AbortController();
  const tooLate = new AbortController();
  const timers: unknown[] = [clock.setTimeout(() => tooLate.abort(), limitMs(timed.call, timeoutMs))];
  const letGo = () => {
    abort.abort(new Error("No longer wanted"));
    timers.push(clock.setTimeout(() => tooLate.abort(), PROMPT_MS));
  };
  if (timed.abortMs === "before") letGo();
  const beganAt = clock.now();
  const work = begin(abort.signal);
  if (timed.abortMs === 0) letGo();
  else if (typeof timed.abortMs === "number") timers.push(clock.setTimeout(letGo, timed.abortMs));
  try {
    const outcome = await outcomeOf(work, AbortSignal.any([tooLate.signal, killed]));
    const reason = abort.signal.aborted ? (abort.signal.reason as Error) : null;
    return { ...timed, outcome, reason, tookMs: clock.now() - beganAt, wasKilled: killed.aborted };
  } finally {
    for (const timer of timers) clock.clearTimeout(timer);
  }
}

/** Begins any call but `output` and `watch`, which are streams, and the supervisor's end. */
export async function begin(
  { infrastructure, instances, programs }: Place,
  call: Call,
  signal: AbortSignal,
): Promise<unknown> {
  if (!isOfInstance(call)) return infrastructure.identities(signal);
  const instance = instances[call.instance];
  switch (call.operation) {
    case "prepare":
      return infrastructure.prepare(instance, signal, () => {});
    case "observe":
      return infrastructure.observe(instance, signal);
    case "destroy":
      return infrastructure.destroy(instance, signal);
    case "removeVolumes":
      return infrastructure.removeVolumes(instance.workspaceId, signal);
    case "fetchImage":
      return infrastructure.fetchImage(instance, call.machine, signal, () => {});
    case "createMachine":
      return infrastructure.createMachine(instance, call.machine, signal);
    case "startMachine":
      return infrastructure.startMachine(instance, call.machine, signal);
    case "stopMachine":
      return infrastructure.stopMachine(instance, call.machine, call.graceMs, signal);
    case "removeMachine":
      return infrastructure.removeMachine(instance, call.machine, signal);
    case "put": {
      const file = { path: NOTE.path, content: `${NOTE.text}\n` };
      return infrastructure.put(instance, call.machine, [file], signal);
    }
    case "exec": {
      const { command } = execRole(programs, call.id, workspaceOf[call.instance]);
      return infrastructure.exec(instance, call.machine, { id: call.id, command, env: {} }, signal);
    }
    default:
      throw new Error(`Cannot begin ${call.operation}: it is not one answer`);
  }
}

/** Watches until the watch ends: how the machine ended, or `null` if that was not told. */
export async function watch(
  infrastructure: Infrastructure,
  ...[ref, machine, signal]: Parameters<Infrastructure["watch"]>
): Promise<Exit | null> {
  let told: MachineFact | null = null;
  for await (const fact of infrastructure.watch(ref, machine, signal)) told = fact;
  return told?.type === "exited" ? told.exit : null;
}

/** A machine that heeds requests to end is not given its whole grace. */
function limitMs(call: Call, timeoutMs: number): number {
  const grace = call.operation === "stopMachine" && call.machine === "stubborn" ? call.graceMs : 0;
  return timeoutMs + grace;
}
