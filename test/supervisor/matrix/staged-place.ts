import type { Operation } from "../../../src/infrastructure/simulated/index.ts";
import type { Infrastructure, MachineFact } from "../../../src/infrastructure/spi.ts";
import { Gate, type Hold } from "./gate.ts";
import { StagedWatch } from "./staged-watch.ts";

const held: readonly Operation[] = [
  "prepare",
  "fetchImage",
  "createMachine",
  "startMachine",
  "put",
  "exec",
  "stopMachine",
  "removeMachine",
  "observe",
  "destroy",
];

/** A place where a test holds operations up, and says what is reported. It is the same for one process after the other. */
export class StagedPlace {
  readonly #gates: Gate[] = [];
  readonly #watches: StagedWatch[] = [];
  /** What every probe rejects with, which none may. */
  probeError: Error | null = null;

  hold(hold: Hold): Gate {
    const gate = new Gate(hold);
    this.#gates.push(gate);
    return gate;
  }

  openAll(): void {
    for (const gate of this.#gates) gate.open();
  }

  /** Watches that are wanted no more say that their machines have ended, and more. */
  tellStale(at: number): void {
    const facts: readonly MachineFact[] = [
      { type: "away", reason: "an old report" },
      { type: "back" },
      { type: "exited", exit: { code: 1, signal: null, oomKilled: false, at } },
    ];
    for (const watch of this.#watches) if (watch.isOver) watch.say(...facts);
  }

  /** A watch that has lost its machine learns of its end before it has found it again. */
  tellExit(machine: string, at: number): void {
    const exit = { code: 1, signal: null, oomKilled: false, at };
    for (const watch of this.#watches)
      if (!watch.isOver && watch.machine === machine) watch.say({ type: "exited", exit });
  }

  repeatReports(): void {
    for (const watch of this.#watches) if (!watch.isOver) watch.repeat();
  }

  failWatches(machine: string, error: Error): void {
    for (const watch of this.#watches) if (!watch.isOver && watch.machine === machine) watch.fail(error);
  }

  /** The place as a process has it. */
  wrap(infrastructure: Infrastructure): Infrastructure {
    return new Proxy(infrastructure, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        const call = (...args: unknown[]): unknown => value.apply(target, args);
        if (name === "watch") return (...args: unknown[]) => this.#watch(args, call as Infrastructure["watch"]);
        if (name === "probe") return (...args: unknown[]) => this.#probe(args, call);
        if (!held.some((operation) => operation === name)) return call;
        return (...args: unknown[]) => this.#pass(String(name), args, call);
      },
    });
  }

  async #pass(operation: string, args: unknown[], call: (...args: unknown[]) => unknown): Promise<unknown> {
    const machine = typeof args[1] === "string" ? args[1] : null;
    const signal = args.find((arg) => arg instanceof AbortSignal);
    const gate = this.#gates.find((one) => one.takes(operation, machine));
    if (gate?.hold.when === "after") {
      const result = await call(...args);
      await gate.pass(signal);
      return result;
    }
    if (gate?.hold.when === "during") {
      const cutOff = gate.pass(signal).then(() => new Promise<never>(() => {}));
      return Promise.race([call(...args), cutOff]);
    }
    await gate?.pass(signal);
    return call(...args);
  }

  #watch(args: unknown[], call: Infrastructure["watch"]): AsyncIterable<MachineFact> {
    const [ref, machine, signal] = args as Parameters<Infrastructure["watch"]>;
    const watch = new StagedWatch(machine, signal);
    this.#watches.push(watch);
    return watch.follow(call(ref, machine, signal));
  }

  async #probe(args: unknown[], call: (...args: unknown[]) => unknown): Promise<unknown> {
    if (this.probeError !== null) throw this.probeError;
    return call(...args);
  }
}
