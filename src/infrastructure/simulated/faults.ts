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
  /** Of `prepare` and `destroy`: only the first part of the work is done, and then `error` comes. */
  readonly inPart?: boolean;
  /**
   * What the operation does when it is aborted or its instance is destroyed. `stop` (default): it ends, without effect.
   * `late`: it rejects, but its effect comes all the same, when its time is over. `deaf`: it does not even reject.
   */
  readonly onAbort?: "stop" | "late" | "deaf";
  /** Of `observe` and `identities`: the answer is that nothing is there, whatever is. */
  readonly lies?: boolean;
  /**
   * How `watch` tells what it sees. `twice`: each fact again. `swapped`: that a connection was lost is told after what came
   * next. `broken`: the stream fails after its first fact.
   */
  readonly reports?: "twice" | "swapped" | "broken";
}

/** The faults that are still to come. The first that fits strikes. */
export class Faults {
  /** How often each kind has struck: `createMachine late`. */
  readonly struck = new Map<string, number>();
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
    for (const kind of kindsOf(hit.fault)) this.#count(`${operation} ${kind}`);
    return hit.fault;
  }

  #count(kind: string): void {
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1);
  }
}

function kindsOf({ delayMs = 0, error, afterEffect, inPart, onAbort = "stop", lies, reports }: Fault): string[] {
  const failure = inPart ? "fails in part" : afterEffect ? "loses its answer" : "fails";
  return [
    ...(delayMs === Number.POSITIVE_INFINITY ? ["hangs"] : delayMs > 0 ? ["is slow"] : []),
    ...(error === undefined ? [] : [failure]),
    ...(onAbort === "stop" ? [] : [onAbort]),
    ...(lies ? ["lies"] : []),
    ...(reports === undefined ? [] : [reports]),
  ];
}
