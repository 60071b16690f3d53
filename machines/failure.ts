/** Why something failed, in the form in which every chart, record and answer carries it. */
import type { Source } from "./port.ts";

/** How a process or container ended. */
export interface Exit {
  /** Exit code; `null` if it was ended by a signal or nobody could see it. */
  readonly code: number | null;
  /** Signal name, e.g. `"SIGKILL"`. */
  readonly signal: string | null;
  readonly oomKilled: boolean;
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
}

export interface Failure {
  /** `validation`: the user's data. `infrastructure`: the world. `internal`: a fault of ours, an administrator must look. */
  readonly class: "validation" | "infrastructure" | "internal";
  /** A code of the error catalogue, e.g. `"MACHINE_EXITED"`. */
  readonly code: string;
  readonly message: string;
  /** The actor and the state in which it happened. */
  readonly source: Source;
  readonly state: string;
  /** When it happened, in milliseconds since 1970; `null` where only the journal's time is known. */
  readonly at: number | null;
  /** The budget that was used up, if that is why. */
  readonly budgetMs: number | null;
  readonly exit: Exit | null;
  /** The last lines of the actor's output, oldest first. */
  readonly lastLines: readonly string[];
}

/** Where a chart was when something failed. `state` is a snapshot's value. */
export interface Where {
  readonly source: Source;
  readonly state: unknown;
}

/**
 * Reads a failure out of the event that told of it. Total: a chart may not throw.
 *
 * The event is a report that carries a `failure`, or a port's rejection. Ports reject with errors
 * that carry `class`, `code`, `at`, `budgetMs`, `exit` and `lastLines` as far as they are known;
 * anything else is a fault of ours and becomes class `internal`.
 */
export function failureIn(event: unknown, where: Where): Failure {
  const { failure, error } = isRecord(event) ? event : {};
  if (isRecord(failure)) return failure as unknown as Failure;
  const known = isRecord(error) ? error : {};
  return {
    class: known["class"] === "validation" || known["class"] === "infrastructure" ? known["class"] : "internal",
    code: typeof known["code"] === "string" ? known["code"] : "INTERNAL",
    message: typeof known["message"] === "string" ? known["message"] : textOf(error),
    source: where.source,
    state: stateName(where.state),
    at: typeof known["at"] === "number" ? known["at"] : null,
    budgetMs: typeof known["budgetMs"] === "number" ? known["budgetMs"] : null,
    exit: isRecord(known["exit"]) ? (known["exit"] as unknown as Exit) : null,
    lastLines: Array.isArray(known["lastLines"]) ? (known["lastLines"] as string[]) : [],
  };
}

/** An exit as the end of a sentence: `exited with code 3`. */
export function describeExit(exit: Exit | null): string {
  if (exit === null) return "is gone, and nobody saw how it ended";
  if (exit.oomKilled) return "was killed because it was out of memory";
  if (exit.signal !== null) return `was ended by ${exit.signal}`;
  return exit.code === null ? "is gone, and nobody saw how it ended" : `exited with code ${exit.code}`;
}

/** A snapshot's value as people write it: `starting.launching`; regions joined by ` & `. */
export function stateName(value: unknown): string {
  if (!isRecord(value)) return String(value);
  const parts = Object.entries(value).map(([name, inner]) => {
    const rest = stateName(inner);
    return rest === "" ? name : `${name}.${rest}`;
  });
  return parts.join(" & ");
}

/** Objects have methods of their own for this, which may throw. */
function textOf(error: unknown): string {
  return isRecord(error) || typeof error === "function" ? "Something that is no error was thrown" : String(error);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
