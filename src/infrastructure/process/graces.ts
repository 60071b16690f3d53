export interface Grace {
  /** When the grace is over, in milliseconds since 1970. May come nearer at any time. */
  readonly until: () => number;
  /** Withdraws the wish. */
  leave(): void;
}

/** How long machines may take to end: as long as the least patient of all who want it now. */
export class Graces {
  readonly #wishes = new Map<string, Set<{ readonly until: number }>>();

  enter(key: string, graceMs: number): Grace {
    const wish = { until: Date.now() + graceMs };
    const wishes = this.#wishes.get(key) ?? new Set();
    this.#wishes.set(key, wishes.add(wish));
    return {
      until: () => Math.min(...[...wishes].map(({ until }) => until)),
      leave: () => {
        wishes.delete(wish);
        if (wishes.size === 0 && this.#wishes.get(key) === wishes) this.#wishes.delete(key);
      },
    };
  }
}
