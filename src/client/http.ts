import { type ErrorCode, errorCodes, type Problem, TroupeError } from "../errors.ts";

export interface Call {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** An object is sent as JSON, a string as YAML. */
  readonly body?: string | object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** The longest the answer may take, in milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  /** A status that is an answer although it says error. */
  readonly alsoStatus?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Makes one call and resolves to what was answered: a document, or text where it is none. */
export type Http = (method: string, path: string, call?: Call) => Promise<unknown>;

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * HTTP to one server.
 *
 * Rejects with the server's own `TroupeError`; `SERVER_UNREACHABLE` when no troupe server answers, `DEADLINE_EXCEEDED`
 * when none answers in time; the reason of `signal` when that aborts.
 */
export function httpTo(url: string, token: string | undefined): Http {
  const base = url.endsWith("/") ? url : `${url}/`;
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };

  return async (method, path, call = {}) => {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = call;
    const deadline = AbortSignal.timeout(timeoutMs);
    let response: Response;
    let text: string;
    try {
      response = await fetch(target(base, path, call.query), {
        method,
        headers: { ...authorization, ...contentType(call.body), ...call.headers },
        ...(call.body === undefined ? {} : { body: encode(call.body) }),
        // A redirect would turn a command into a GET.
        redirect: "error",
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      });
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      if (!deadline.aborted) throw unreachable(url, error);
      throw new TroupeError("DEADLINE_EXCEEDED", `Cannot finish ${method} ${path}: no answer within ${timeoutMs} ms`);
    }
    const document = parse(response, text);
    if (response.ok || response.status === call.alsoStatus) return document;
    throw refusal(url, response.status, document);
  };
}

/** What a server (or the close of a channel) said in place of an answer. */
export function errorFrom(code: unknown, message: string, options: ConstructorParameters<typeof TroupeError>[2] = {}) {
  return new TroupeError(isErrorCode(code) ? code : "INTERNAL", message, options);
}

/** Nobody answers at `url`, or nobody that speaks our protocol. */
export function unreachable(url: string, cause: unknown): TroupeError {
  return new TroupeError("SERVER_UNREACHABLE", `Cannot reach the server at "${url}": ${reasonOf(cause)}`, { cause });
}

function target(base: string, path: string, query: Call["query"] = {}): URL {
  const url = new URL(path.slice(1), base);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

function contentType(body: string | object | undefined): Record<string, string> {
  if (body === undefined) return {};
  return { "content-type": typeof body === "string" ? "application/yaml" : "application/json" };
}

function encode(body: string | object): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

function parse(response: Response, text: string): unknown {
  const isJson = /^application\/(?:[\w.+-]+\+)?json\b/.test(response.headers.get("content-type") ?? "");
  if (!isJson || text === "") return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreachable(response.url, error);
  }
}

function refusal(url: string, status: number, document: unknown): TroupeError {
  const problem: Record<string, unknown> = isRecord(document) ? document : {};
  if (typeof problem["code"] !== "string") {
    // Not one of ours: a proxy in between, or another program on that port.
    if (status === 401)
      return new TroupeError("UNAUTHENTICATED", `Cannot use the server at "${url}": it wants a token`);
    return unreachable(url, new Error(`something else answers there, with status ${status}`));
  }
  const message =
    typeof problem["detail"] === "string" ? problem["detail"] : `The server answered with status ${status}`;
  return errorFrom(problem["code"], message, {
    details: isRecord(problem["details"]) ? problem["details"] : {},
    problems: Array.isArray(problem["problems"]) ? problem["problems"].filter(isProblem) : [],
  });
}

/** `fetch` hides what happened in its error's cause; a host with several addresses hides it one deeper. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.cause === undefined ? error.message : reasonOf(error.cause);
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errorCodes, code);
}

function isProblem(value: unknown): value is Problem {
  return isRecord(value) && typeof value["path"] === "string" && typeof value["message"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
