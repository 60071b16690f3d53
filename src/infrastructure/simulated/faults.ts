import type { Infrastructure } from "../spi.ts";

export type Operation = Exclude<keyof Infrastructure, "name" | "recipeTypes" | "close">;

/** One way in which operations go wrong. What is not said goes well. */
export interface Fault {
  /** Absent: whichever comes. */
  readonly operation?: Operation;
  readonly instanceId?: string;
  readonly machine?: string;
  /** How many operations it strikes; default 1. */
  readonly times?: number;
  /** Takes so much longer, in milliseconds; `Infinity`: it never ends by itself. */
  readonly delayMs?: number;
  /** What the operation rejects with. */
  readonly error?: Error;
  /** Whether `error` comes after the work was done, as when the answer is lost. */
  readonly afterEffect?: boolean;
  /**
   * What the operation does when it is aborted or its instance is destroyed. `stop` (default): it ends, without effect.
   * `late`: it rejects, but its effect comes all the same, when its time is over. `deaf`: it does not even reject.
   */
  readonly onAbort?: "stop" | "late" | "deaf";
}

/** The faults that are still to come. The first that fits strikes. */
export class Faults {
  #pending: { readonly fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    this.#pending.push({ fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#pending = [];
  }

  take(operation: Operation, instanceId: string | null, machine: string | null): Fault {
    const hit = this.#pending.find(
      ({ fault }) =>
        (fault.operation ?? operation) === operation &&
        (fault.instanceId ?? instanceId) === instanceId &&
        (fault.machine ?? machine) === machine,
    );
    if (hit === undefined) return {};
    hit.left -= 1;
    if (hit.left <= 0) this.#pending = this.#pending.filter((pending) => pending !== hit);
    return hit.fault;
  }
}
