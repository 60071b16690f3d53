import { type ServeFlags, serveConfig } from "../../config.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import type { Host, Interruption } from "../host.ts";
import { removeReadyFile, writeReadyFile } from "../ready-file.ts";
import { openServer, type RunningServer } from "../serve.ts";
import { serverLogger } from "../server-logger.ts";

/** What made the server end. */
type End = { readonly signal: Interruption } | { readonly error: unknown };

/** After an error of ours, how long an orderly end may take, in milliseconds. */
const SUSPEND_AFTER_ERROR_MS = 5_000;

export async function serve(context: Context, flags: ServeFlags): Promise<ExitCode> {
  const config = serveConfig(flags, context.host.env);
  const logger = serverLogger(config.logLevel, context);
  const ending = endOf(context.host);
  try {
    await removeReadyFile(config.readyFile); // of an earlier server
    const server = await openServer(config, logger);
    const { tokenFile } = server;
    logger.info({ tokenFile, dataDir: config.dataDir, infrastructure: config.infrastructure }, "serving");
    await writeReadyFile(config.readyFile, server);
    announce(context, server);

    const end = await ending.promise;
    if ("error" in end) {
      logger.fatal({ err: end.error }, "unexpected error");
      await Promise.race([server.close("suspend"), pastDeadline(SUSPEND_AFTER_ERROR_MS)]);
      return exitCodes.failed;
    }
    logger.info({ signal: end.signal, onExit: config.onExit }, "ending");
    await server.close(config.onExit);
    return exitCodes.ok;
  } finally {
    ending.release();
    await removeReadyFile(config.readyFile);
  }
}

function announce({ terminal, isJson }: Context, { url, outputUrl, tokenFile }: RunningServer): void {
  if (isJson) {
    terminal.json({ url, outputUrl, pid: process.pid, tokenFile });
    return;
  }
  terminal.print([`Listening on ${url} (output: ${outputUrl})`]);
  if (tokenFile !== undefined) terminal.print([`The token is in ${tokenFile}`]);
}

/** The first signal or error ends in order; a second signal ends at once. */
function endOf(host: Host): { promise: Promise<End>; release: () => void } {
  let releases: (() => void)[] = [];
  const promise = new Promise<End>((resolve) => {
    let isEnding = false;
    const onInterrupt = (signal: Interruption) => {
      if (isEnding) host.exit(signal === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated);
      isEnding = true;
      resolve({ signal });
    };
    const onFatal = (error: unknown) => {
      isEnding = true;
      resolve({ error });
    };
    releases = [host.onInterrupt(onInterrupt), host.onFatal(onFatal)];
  });
  return {
    promise,
    release: () => {
      for (const release of releases) release();
    },
  };
}

function pastDeadline(timeoutMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeoutMs).unref());
}
