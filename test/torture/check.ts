import type { Evidence, Violation } from "./evidence.ts";
import { commandRules, commandRulesAtRest } from "./rules/commands.ts";
import { eventRules } from "./rules/events.ts";
import { outputRules } from "./rules/output.ts";
import { remainsRules, remainsRulesAtRest } from "./rules/remains.ts";

/** Holds what clients were told against the journal and the system, whenever a server was killed. Pure. */
export function check(evidence: Evidence): readonly Violation[] {
  return [...commandRules(evidence), ...eventRules(evidence), ...outputRules(evidence), ...remainsRules(evidence)];
}

/** The same, and what must have come true by the time that nobody asks for anything any more. */
export function checkAtRest(evidence: Evidence): readonly Violation[] {
  return [...check(evidence), ...commandRulesAtRest(evidence), ...remainsRulesAtRest(evidence)];
}
