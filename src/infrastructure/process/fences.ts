/**
 * Keeps an instance's operations out of its destruction.
 *
 * Destroying an instance first ends every operation on it that is under way here, waits until each has really let
 * go, and turns new ones away until it is done. So nothing is created behind its back.
 */
import { TroupeError } from "../../errors.ts";
import { untilAborted } from "./pause.ts";

interface Fence {
  readonly closing: AbortController;
  readonly running: Set<Promise<unknown>>;
  destroyers: number;
}

export class Fences {
  readonly #fences = new Map<string, Fence>();

  /** Runs an operation on an instance, with a signal that also aborts when the instance is destroyed. */
  async enter<T>(instanceId: string, signal: AbortSignal, operation: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const fence = this.#fenceOf(instanceId);
    const either = AbortSignal.any([signal, fence.closing.signal]);
    const running = either.aborted ? Promise.reject(either.reason) : operation(either);
    fence.running.add(running);
    try {
      return await running;
    } finally {
      fence.running.delete(running);
      this.#forgetIdle(instanceId, fence);
    }
  }

  /** Runs `destruction` when no operation is left on the instance. */
  async close<T>(instanceId: string, signal: AbortSignal, destruction: () => Promise<T>): Promise<T> {
    const fence = this.#fenceOf(instanceId);
    fence.destroyers += 1;
    fence.closing.abort(
      new TroupeError("NOT_FOUND", `Cannot go on with instance "${instanceId}": it is being destroyed`, {
        details: { instanceId },
      }),
    );
    try {
      await untilAborted(Promise.allSettled(fence.running), signal);
      return await destruction();
    } finally {
      fence.destroyers -= 1;
      this.#forgetIdle(instanceId, fence);
    }
  }

  #fenceOf(instanceId: string): Fence {
    const known = this.#fences.get(instanceId);
    if (known !== undefined) return known;
    const fence: Fence = { closing: new AbortController(), running: new Set(), destroyers: 0 };
    this.#fences.set(instanceId, fence);
    return fence;
  }

  #forgetIdle(instanceId: string, fence: Fence): void {
    if (fence.destroyers === 0 && fence.running.size === 0) this.#fences.delete(instanceId);
  }
}
