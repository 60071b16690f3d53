import type { Clause } from "./clauses.ts";

/** Thrown where a sequence of calls shows that a promise was broken. */
export class BrokenClause extends Error {
  override readonly name = "BrokenClause";
  readonly clause: Clause;

  /** `finding`: a sentence without its full stop, as it ends the sequence of calls: `observe(A) shows no machine "counter"`. */
  constructor(clause: Clause, finding: string) {
    super(finding);
    this.clause = clause;
  }
}
