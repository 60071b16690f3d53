import { BrokenClause } from "./broken-clause.ts";
import { type Clause, clauses } from "./clauses.ts";

/** Counts how often each clause was put to the test: what was never tested is not shown to hold. */
export class Checks {
  readonly counts: Record<Clause, number>;

  constructor() {
    this.counts = Object.fromEntries(Object.keys(clauses).map((clause) => [clause, 0])) as Record<Clause, number>;
  }

  /** @throws {BrokenClause} unless it holds. */
  expect(clause: Clause, holds: boolean, finding: () => string): void {
    this.counts[clause] += 1;
    if (!holds) throw new BrokenClause(clause, finding());
  }
}
