import type { ErrorCode, TroupeError } from "../errors.ts";

/** What the command's exit code says; scripts branch on it. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  invalid: 4,
  waitTimeout: 5,
  workspaceFailed: 6,
  unreachable: 7,
  notAuthorised: 8,
  conflict: 9,
  /** 128 + SIGINT. */
  interrupted: 130,
  /** 128 + SIGTERM. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const byError: Partial<Record<ErrorCode, ExitCode>> = {
  CONFIG_INVALID: exitCodes.invalid,
  REQUEST_INVALID: exitCodes.invalid,
  PAYLOAD_TOO_LARGE: exitCodes.invalid,
  COMMAND_NOT_FOUND: exitCodes.invalid,
  WORKSPACE_NOT_FOUND: exitCodes.notFound,
  NOT_FOUND: exitCodes.notFound,
  UNAUTHENTICATED: exitCodes.notAuthorised,
  FORBIDDEN: exitCodes.notAuthorised,
  WORKSPACE_EXISTS: exitCodes.conflict,
  WORKSPACE_CONFLICT: exitCodes.conflict,
  WORKSPACE_RUNNING: exitCodes.conflict,
  DATA_DIRECTORY_IN_USE: exitCodes.conflict,
  WAIT_TIMEOUT: exitCodes.waitTimeout,
  WAIT_FAILED: exitCodes.workspaceFailed,
  SERVER_UNREACHABLE: exitCodes.unreachable,
};

export function exitCodeOf(error: TroupeError): ExitCode {
  return byError[error.code] ?? exitCodes.failed;
}

/** For the end of the help. */
export const exitCodeHelp = `
Exit codes:
  0    done
  1    failed
  2    the command line is wrong
  3    not found
  4    the workspace file, or the request, is invalid
  5    wait: the time is over
  6    the workspace failed
  7    the server can't be reached
  8    not authorised
  9    conflict: the name exists, the workspace changed meanwhile, the data directory is in use
  130  interrupted (Ctrl-C)
  143  terminated`;
