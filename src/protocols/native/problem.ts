/** Errors on the wire: RFC 9457. */
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { type ErrorCode, type Problem, TroupeError } from "../../errors.ts";

export const PROBLEM_TYPE = "application/problem+json";

/** The framework's messages quote what was sent. */
const MAX_REASON = 300;

export interface ProblemDocument {
  /** `urn:troupe:error:CODE` */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
}

export function problemDocument(error: TroupeError): ProblemDocument {
  const { code, status, message, retryable, details, problems } = error;
  return {
    type: `urn:troupe:error:${code}`,
    title: titleOf(code),
    status,
    detail: message,
    code,
    retryable,
    details,
    problems,
  };
}

/** Reads any error that a handler or the framework threw. What is not known is our fault, and says nothing outside. */
export function troupeErrorOf(error: unknown): TroupeError {
  if (error instanceof TroupeError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const problems = error.validation.map(({ instancePath, message }) => ({
      path: [error.validationContext ?? "", ...instancePath.split("/")].filter((part) => part !== "").join("."),
      message: message ?? "it is invalid",
    }));
    const listed = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
    return new TroupeError("REQUEST_INVALID", `Cannot read the request: ${listed}`, { problems });
  }
  const status = statusOf(error);
  if (status === 413) return new TroupeError("PAYLOAD_TOO_LARGE", "Cannot read the body: it is larger than 1 MiB");
  if (status !== undefined && status >= 400 && status < 500) {
    const reason = error instanceof Error ? error.message.slice(0, MAX_REASON) : "it is malformed";
    return new TroupeError("REQUEST_INVALID", `Cannot read the request: ${reason}`, { cause: error });
  }
  return new TroupeError("INTERNAL", "Cannot answer: internal error, the server's log has more", { cause: error });
}

function statusOf(error: unknown): number | undefined {
  const status = typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
  return typeof status === "number" ? status : undefined;
}

/** `WORKSPACE_NOT_FOUND` as people write it: `Workspace not found`. */
function titleOf(code: ErrorCode): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
