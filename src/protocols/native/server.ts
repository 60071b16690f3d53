import { createServer, type ServerResponse } from "node:http";
import { TroupeError } from "../../errors.ts";
import type { Supervisor } from "../../supervisor/api.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { isLoopback, loopbackAccess, tokenAccess } from "./access.ts";
import { outputChannels, statusChannels } from "./channels.ts";
import { HEADERS_TIMEOUT_MS, httpApi } from "./http-api.ts";
import { closeListener, isAnyAddress, listen, portOf, urlOf } from "./listener.ts";
import { PROBLEM_TYPE, problemDocument } from "./problem.ts";

export interface NativeServerOptions {
  readonly supervisor: Supervisor;
  /** The address to listen on. */
  readonly host: string;
  /** Of the main listener; 0: any that is free. */
  readonly port: number;
  /** Of the output listener; 0: any that is free. */
  readonly outputPort: number;
  /** Any of them lets in. `null`: nobody needs one, which is possible on a loopback address only. */
  readonly tokens: readonly string[] | null;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface NativeServer {
  /** Of the main listener: `http://127.0.0.1:7480`. Of a server on all addresses: as this machine reaches it. */
  readonly url: string;
  /** Of the output listener. */
  readonly outputUrl: string;
  /**
   * Ends it: long polls are answered with 503, WebSockets closed with 1001, then both listeners are gone.
   *
   * Resolves when all connections are, after some seconds at most. May be called twice.
   */
  close(): Promise<void>;
}

/**
 * Serves a supervisor's native API: HTTP and status channels on one listener, output channels on another.
 *
 * Resolves once both accept. The supervisor stays its owner's: close the server first, then the supervisor.
 *
 * @throws {TroupeError} `REQUEST_INVALID` without tokens on an address that others can reach; `PORT_TAKEN`.
 */
export async function createNativeServer(options: NativeServerOptions): Promise<NativeServer> {
  const { supervisor, host, tokens, logger, metrics } = options;
  if (tokens === null && !isLoopback(host)) {
    throw new TroupeError("REQUEST_INVALID", `Cannot serve on "${host}" without a token: others can reach it`);
  }
  const closing = new AbortController();
  const outputServer = createServer({ headersTimeout: HEADERS_TIMEOUT_MS }, answerOutputOnly);
  const access = tokens === null ? loopbackAccess(ports) : tokenAccess(tokens);
  const app = await httpApi({
    supervisor,
    access,
    metrics,
    logger,
    closing: closing.signal,
    outputUrl: (reachedAs) => urlOf(isAnyAddress(host) ? reachedAs : host, outputServer),
  });
  const isClosing = () => closing.signal.aborted || isClosed(supervisor);
  const status = statusChannels({ supervisor, access, logger, metrics, isClosing });
  const output = outputChannels({ supervisor, access, logger, metrics, isClosing });
  app.server.on("upgrade", status.upgrade);
  outputServer.on("upgrade", output.upgrade);

  function ports(): readonly number[] {
    return [portOf(app.server), portOf(outputServer)];
  }

  async function shutDown(): Promise<void> {
    closing.abort();
    await Promise.all([status.close(), output.close(), closeListener(app.server), closeListener(outputServer)]);
    await app.close();
  }

  try {
    await app.ready();
    await listen(app.server, host, options.port);
    await listen(outputServer, host, options.outputPort);
  } catch (error) {
    await shutDown();
    throw error;
  }
  const shown = isAnyAddress(host) ? "127.0.0.1" : host;
  const url = urlOf(shown, app.server);
  const outputUrl = urlOf(shown, outputServer);
  logger.info({ url, outputUrl }, "listening");

  let closed: Promise<void> | undefined;
  return {
    url,
    outputUrl,
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

/** Whether nobody can subscribe any more. While it only stops its workspaces, subscribers may see that. */
function isClosed(supervisor: Supervisor): boolean {
  try {
    supervisor.subscribe("all").close();
    return false;
  } catch {
    return true;
  }
}

function answerOutputOnly(_request: unknown, response: ServerResponse): void {
  const error = new TroupeError("NOT_FOUND", "Cannot answer: this listener has WebSockets on /v1/channels only");
  response.writeHead(error.status, { "content-type": PROBLEM_TYPE, connection: "close" });
  response.end(JSON.stringify(problemDocument(error)));
}
