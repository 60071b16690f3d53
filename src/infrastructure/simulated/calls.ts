import { TroupeError } from "../../errors.ts";
import type { Clock } from "../../supervisor/api.ts";
import { abortable } from "./abortable.ts";
import type { Fault, Faults, Operation } from "./faults.ts";
import { sleep } from "./sleep.ts";

/** One operation under way. */
export interface Call {
  readonly operation: Operation;
  readonly instanceId: string | null;
  readonly machine: string | null;
  readonly startedAt: number;
  /** Whether its caller has let go of it. */
  readonly abandoned: boolean;
}

export interface CallUnderWay extends Call {
  readonly fault: Fault;
  readonly stopping: AbortController;
  /** Ends the time that it takes. */
  readonly hurry: AbortController;
  abandoned: boolean;
}

/** How long operations take, in milliseconds: by operation, or asked for each call. */
export type Latency = Readonly<Partial<Record<Operation, number>>> | ((operation: Operation) => number);

export interface CallRequest {
  readonly operation: Operation;
  readonly instanceId: string | null;
  readonly machine: string | null;
}

/** Makes operations take time and go wrong. */
export class Calls {
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #latencyMs: (operation: Operation) => number;
  readonly #underWay = new Set<CallUnderWay>();

  constructor(clock: Clock, faults: Faults, latencyMs: Latency) {
    this.#clock = clock;
    this.#faults = faults;
    this.#latencyMs = typeof latencyMs === "function" ? latencyMs : (operation) => latencyMs[operation] ?? 0;
  }

  get underWay(): readonly Call[] {
    return [...this.#underWay];
  }

  /**
   * Does `effect` when the operation's time is over.
   *
   * The signal that `effect` gets aborts when the operation is to end; its caller's may do so earlier (see {@link Fault.onAbort}).
   */
  async run<T>(
    request: CallRequest,
    signal: AbortSignal,
    effect: (signal: AbortSignal, call: CallUnderWay) => T | Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const call = this.#begin(request);
    const abort = () => {
      call.abandoned = true;
      this.#stop(call, signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    const work = this.#perform(call, effect).finally(() => {
      signal.removeEventListener("abort", abort);
      this.#underWay.delete(call);
    });
    return call.fault.onAbort === "deaf" ? work : abortable(work, signal);
  }

  /** Ends the time that a call takes, however long that was to be. `index`: its place among those under way, counted around. */
  hurry(index: number): void {
    const waiting = [...this.#underWay].filter(({ hurry }) => !hurry.signal.aborted);
    waiting[index % waiting.length]?.hurry.abort();
  }

  /** Stops what is under way for an instance that is destroyed. */
  interrupt(instanceId: string): void {
    for (const call of this.#underWay) {
      if (call.instanceId !== instanceId || call.operation === "destroy") continue;
      this.#stop(
        call,
        new TroupeError("INFRASTRUCTURE_UNAVAILABLE", `Cannot finish ${call.operation}: the instance was destroyed`),
      );
    }
  }

  /** Those who waited for what is under way are gone. */
  abandon(): void {
    for (const call of this.#underWay) call.abandoned = true;
  }

  #begin(request: CallRequest): CallUnderWay {
    const fault = this.#faults.take(request.operation, request.instanceId, request.machine);
    const startedAt = this.#clock.now();
    const stopping = new AbortController();
    const call = { ...request, fault, startedAt, stopping, hurry: new AbortController(), abandoned: false };
    this.#underWay.add(call);
    return call;
  }

  #stop({ fault, stopping }: CallUnderWay, reason: unknown): void {
    if ((fault.onAbort ?? "stop") === "stop") stopping.abort(reason);
  }

  async #perform<T>(
    call: CallUnderWay,
    effect: (signal: AbortSignal, call: CallUnderWay) => T | Promise<T>,
  ): Promise<T> {
    const { operation, stopping, hurry } = call;
    const { delayMs = 0, error, afterEffect, inPart } = call.fault;
    await sleep(this.#clock, this.#latencyMs(operation) + delayMs, stopping.signal, hurry.signal);
    if (error !== undefined && !afterEffect && !inPart) throw error;
    const result = await effect(stopping.signal, call);
    if (error !== undefined) throw error;
    return result;
  }
}
