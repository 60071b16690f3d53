/** One look at a server: does it answer? */
import { get as httpGet, type IncomingMessage, type RequestOptions } from "node:http";
import { get as httpsGet } from "node:https";
import { connect } from "node:net";
import type { ProbeResult, ServerAddress } from "../infrastructure/spi.ts";
import type { ProbeSpec } from "../model/environment.ts";
import { attempt, describe } from "./attempt.ts";

/** The largest head of an answer that is read: Node's own default, stated so that no flag changes it. */
const MAX_HEAD_BYTES = 16 * 1024;

/**
 * Asks the server once, for at most `spec.timeoutMs`. Whatever the server does is a result, not an error.
 *
 * Rejects with `signal.reason` and with nothing else; when it settles, its connection is closed.
 */
export async function probe(spec: ProbeSpec, address: ServerAddress, signal: AbortSignal): Promise<ProbeResult> {
  signal.throwIfAborted();
  switch (spec.type) {
    case "none":
      return { passed: true, message: "is not probed" };
    case "tcp":
      return connects(spec, address, signal);
    case "http":
      return answers(spec, address, signal);
  }
}

function connects({ timeoutMs }: ProbeSpec, { host, port }: ServerAddress, signal: AbortSignal): Promise<ProbeResult> {
  const late = `port ${port} accepted no connection within ${timeoutMs} ms`;
  return attempt(
    (settle) =>
      connect({ host, port })
        .on("connect", () => settle({ passed: true, message: `port ${port} accepts connections` }))
        .on("error", (error) => settle({ passed: false, message: describe(error) })),
    { timeoutMs, late },
    signal,
  );
}

/** A redirect is an answer like any other: its status counts, and nobody goes where it points. */
function answers(spec: ProbeSpec, address: ServerAddress, signal: AbortSignal): Promise<ProbeResult> {
  const options: RequestOptions & { rejectUnauthorized: boolean } = {
    host: address.host,
    port: address.port,
    path: spec.path === "" ? "/" : spec.path,
    agent: false, // a connection of its own: one that is kept alive would answer for a server that has stopped accepting
    headers: { connection: "close", "user-agent": "troupe-probe" },
    maxHeaderSize: MAX_HEAD_BYTES,
    // Whether it answers is asked, not who it is: a server under development signs its own certificate.
    rejectUnauthorized: false,
  };
  const get = isTls(address.url) ? httpsGet : httpGet;
  // A query may carry a token, and messages are shown: it is left out of them.
  const what = `GET ${options.path?.split("?", 1)[0]}`;

  return attempt(
    (settle) =>
      get(options)
        .on("response", (response) => settle(judge(what, response, spec))) // and its body stays unread
        .on("error", (error) => settle({ passed: false, message: `${what} failed: ${describe(error)}` })),
    { timeoutMs: spec.timeoutMs, late: `${what} was not answered within ${spec.timeoutMs} ms` },
    signal,
  );
}

function judge(what: string, { statusCode = 0 }: IncomingMessage, { expectedStatus }: ProbeSpec): ProbeResult {
  const { from, to } = expectedStatus;
  const passed = from <= statusCode && statusCode <= to;
  const range = from === to ? `${from}` : `${from} to ${to}`;
  return { passed, message: `${what} answered ${statusCode}${passed ? "" : `, expected ${range}`}` };
}

function isTls(url: string): boolean {
  return url.startsWith("https:") || url.startsWith("wss:");
}
