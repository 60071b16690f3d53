/**
 * Every failure a caller can act on, by code.
 *
 * `status` is what the HTTP adapters answer; `class` says whose fault it is (the three
 * exception classes of the infrastructure SPI); `retryable` says whether the same call
 * may succeed later with nothing changed.
 */
export const errorCodes = {
  CONFIG_INVALID: { status: 400, class: "validation", retryable: false },
  REQUEST_INVALID: { status: 400, class: "validation", retryable: false },
  UNAUTHENTICATED: { status: 401, class: "validation", retryable: false },
  FORBIDDEN: { status: 403, class: "validation", retryable: false },
  WORKSPACE_NOT_FOUND: { status: 404, class: "validation", retryable: false },
  NOT_FOUND: { status: 404, class: "validation", retryable: false },
  WORKSPACE_EXISTS: { status: 409, class: "validation", retryable: false },
  WORKSPACE_CONFLICT: { status: 409, class: "validation", retryable: false },
  WORKSPACE_RUNNING: { status: 409, class: "validation", retryable: false },
  CURSOR_GONE: { status: 410, class: "validation", retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, class: "validation", retryable: false },
  LIMIT_REACHED: { status: 429, class: "validation", retryable: true },
  DEADLINE_EXCEEDED: { status: 504, class: "infrastructure", retryable: true },
  WAIT_TIMEOUT: { status: 408, class: "infrastructure", retryable: true },
  WAIT_FAILED: { status: 409, class: "infrastructure", retryable: false },
  COMMAND_NOT_FOUND: { status: 422, class: "validation", retryable: false },
  PORT_TAKEN: { status: 409, class: "validation", retryable: true },
  NO_FREE_PORT: { status: 503, class: "infrastructure", retryable: true },
  MACHINE_FAILED: { status: 502, class: "infrastructure", retryable: true },
  MACHINE_EXITED: { status: 502, class: "infrastructure", retryable: true },
  MACHINE_OUT_OF_MEMORY: { status: 502, class: "infrastructure", retryable: true },
  INSTALLER_FAILED: { status: 502, class: "infrastructure", retryable: true },
  SERVER_NOT_READY: { status: 504, class: "infrastructure", retryable: true },
  INFRASTRUCTURE_UNAVAILABLE: { status: 503, class: "infrastructure", retryable: true },
  RESOURCES_LEFT: { status: 500, class: "infrastructure", retryable: true },
  SERVER_UNREACHABLE: { status: 503, class: "infrastructure", retryable: true },
  SUPERVISOR_CLOSED: { status: 503, class: "infrastructure", retryable: true },
  DATA_DIRECTORY_IN_USE: { status: 503, class: "infrastructure", retryable: true },
  JOURNAL_DAMAGED: { status: 500, class: "internal", retryable: false },
  JOURNAL_NEWER: { status: 500, class: "validation", retryable: false },
  INTERNAL: { status: 500, class: "internal", retryable: false },
} as const satisfies Record<
  string,
  { status: number; class: "validation" | "infrastructure" | "internal"; retryable: boolean }
>;

export type ErrorCode = keyof typeof errorCodes;

/** One thing that is wrong with what the user sent. */
export interface Problem {
  /** Where, as a JSON path from the root: `environment.machines.web.servers.http.port`. Empty for the whole. */
  readonly path: string;
  readonly message: string;
}

export interface TroupeErrorOptions {
  readonly cause?: unknown;
  /** For programs: identifiers, expected and current values. Never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Every problem, for errors of validation. */
  readonly problems?: readonly Problem[];
}

/**
 * The one error class. Callers branch on `code`, which also crosses the wire.
 *
 * A message says what could not be done, a colon, and what is the case.
 */
export class TroupeError extends Error {
  override readonly name = "TroupeError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: TroupeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.problems = options.problems ?? [];
  }

  get class(): "validation" | "infrastructure" | "internal" {
    return errorCodes[this.code].class;
  }

  get status(): number {
    return errorCodes[this.code].status;
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }
}

/** The user's data are wrong. Names every problem, so that one round of mending is enough. */
export function validationError(what: string, problems: readonly Problem[]): TroupeError {
  const [first, ...rest] = problems;
  const more = rest.length === 0 ? "" : ` (and ${rest.length} more)`;
  const where = first === undefined || first.path === "" ? "" : `${first.path}: `;
  return new TroupeError("CONFIG_INVALID", `Cannot use ${what}: ${where}${first?.message ?? "it is invalid"}${more}`, {
    problems,
  });
}
