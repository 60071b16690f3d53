import type { Exit, Failure } from "../../machines/failure.ts";
import { type ErrorCode, errorCodes, TroupeError } from "../errors.ts";

/** What a port rejects with: an error that a chart reads its failure from (`machines/failure.ts`). */
export class PortError extends Error {
  override readonly name = "PortError";
  readonly class: Failure["class"];
  readonly code: ErrorCode;
  readonly at: number;
  readonly budgetMs: number | null;
  readonly exit: Exit | null = null;
  readonly lastLines: readonly string[];

  constructor(
    code: ErrorCode,
    message: string,
    known: { at: number; budgetMs?: number; lastLines?: readonly string[]; cause?: unknown },
  ) {
    super(message, known.cause === undefined ? undefined : { cause: known.cause });
    this.class = errorCodes[code].class;
    this.code = code;
    this.at = known.at;
    this.budgetMs = known.budgetMs ?? null;
    this.lastLines = known.lastLines ?? [];
  }
}

/** Any error of a port's work. What is not a `TroupeError` is unexpected, and an administrator must look. */
export function portError(error: unknown, at: number, lastLines: readonly string[]): PortError {
  if (error instanceof PortError) return error;
  if (error instanceof TroupeError) {
    const [first] = error.problems;
    const where =
      first === undefined || first.path === "" || error.message.includes(first.path) ? "" : ` (${first.path})`;
    return new PortError(error.code, `${error.message}${where}`, { at, lastLines, cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new PortError("INTERNAL", message, { at, lastLines, cause: error });
}
