import type { MachineFact } from "../../../src/infrastructure/spi.ts";

/** A watch whose facts a test can repeat, and that says more when nobody listens any more: it does not notice that it was ended. */
export class StagedWatch {
  readonly machine: string;
  readonly #signal: AbortSignal;
  #last: MachineFact | null = null;
  #said: MachineFact[] = [];
  #error: Error | null = null;
  #wake: () => void = () => {};

  constructor(machine: string, signal: AbortSignal) {
    this.machine = machine;
    this.#signal = signal;
  }

  get isOver(): boolean {
    return this.#signal.aborted;
  }

  say(...facts: MachineFact[]): void {
    this.#said.push(...facts);
    this.#wake();
  }

  /** Says again what it said last. */
  repeat(): void {
    if (this.#last !== null) this.say(this.#last);
  }

  fail(error: Error): void {
    this.#error = error;
    this.#wake();
  }

  async *follow(facts: AsyncIterable<MachineFact>): AsyncGenerator<MachineFact> {
    const source = facts[Symbol.asyncIterator]();
    let next: Promise<IteratorResult<MachineFact>> | null = source.next();
    for (;;) {
      const woken = new Promise<null>((resolve) => {
        this.#wake = () => resolve(null);
      });
      if (this.#error !== null) throw this.#error;
      const said = this.#said.shift();
      if (said !== undefined) {
        yield said;
        continue;
      }
      const told: IteratorResult<MachineFact> | null = await (next === null ? woken : Promise.race([next, woken]));
      if (told === null) continue;
      if (!told.done) {
        this.#last = told.value;
        next = source.next();
        yield told.value;
      } else if (this.isOver) next = null;
      else return;
    }
  }
}
