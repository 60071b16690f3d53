/**
 * Chance that comes out the same for the same seed.
 *
 * Marsaglia's xorshift with 32 bits (Journal of Statistical Software 8, 14): good enough to choose calls with.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Small seeds would begin alike, and from zero it would never leave zero.
    this.#state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) || 1;
    for (let warmUp = 0; warmUp < 8; warmUp += 1) this.#next();
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    return this.#next() % end;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new Error("Cannot pick: there is nothing to choose from");
    return choice;
  }

  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items];
    return items.flatMap(() => left.splice(this.below(left.length), 1));
  }

  #next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }
}
