/** Composes a server: the only place that picks implementations. */

import { type OnExit, type ServeConfig, TOKEN_FILE } from "../config.ts";
import { processInfrastructure } from "../infrastructure/process/index.ts";
import { simulatedInfrastructure } from "../infrastructure/simulated/index.ts";
import type { Infrastructure } from "../infrastructure/spi.ts";
import { installerRegistry, loadInstallers } from "../installers/registry.ts";
import { openDataDirectory } from "../journal/data-directory.ts";
import { sqliteJournal } from "../journal/sqlite.ts";
import { createNativeServer } from "../protocols/native/index.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import type { Logger } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { keptToken } from "./kept-token.ts";

export interface RunningServer {
  readonly url: string;
  readonly outputUrl: string;
  /** `undefined` if the server wants none. */
  readonly token: string | undefined;
  /** Where the token can be read, if it was made here. */
  readonly tokenFile: string | undefined;
  /** `suspend`: machines go on, and the next server adopts them. `terminate`: all workspaces are stopped first. */
  close(how: OnExit): Promise<void>;
}

/** Resolves when both listeners accept. What was opened is closed again if a later part fails. */
export async function openServer(config: ServeConfig, logger: Logger): Promise<RunningServer> {
  const opened: (() => unknown)[] = [];
  const closeOpened = async () => {
    const failures: unknown[] = [];
    for (const close of opened.splice(0).reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error); // the others are closed all the same
      }
    }
    if (failures.length > 0) throw failures[0];
  };

  try {
    const directory = openDataDirectory(config.dataDir);
    opened.push(() => directory.release());
    const tokenFile = config.token === "generated" ? directory.file(TOKEN_FILE) : undefined;
    const token = tokenFile === undefined ? givenToken(config) : await keptToken(tokenFile);
    const installers = config.installers === undefined ? [] : await loadInstallers(config.installers);

    const journal = sqliteJournal({ file: directory.file("journal.db") });
    opened.push(() => journal.close());
    const infrastructure = infrastructureOf(config, directory.path);
    opened.push(() => infrastructure.close());

    const metrics = createMetrics();
    const supervisor = await createSupervisor({
      infrastructures: [infrastructure],
      journal,
      installers: installerRegistry(installers),
      limits: config.limits,
      logger,
      metrics,
    });
    opened.push(() => supervisor.suspend());

    const { host, port, outputPort } = config;
    const tokens = token === undefined ? null : [token];
    const server = await createNativeServer({ supervisor, host, port, outputPort, tokens, logger, metrics });
    opened.push(() => server.close());

    return {
      url: server.url,
      outputUrl: server.outputUrl,
      token,
      tokenFile,
      async close(how) {
        // Clients see the workspaces stop: the listeners close behind it.
        if (how === "terminate") await supervisor.terminate();
        await closeOpened();
      },
    };
  } catch (error) {
    await closeOpened().catch((err: unknown) => logger.warn({ err }, "could not close everything"));
    throw error;
  }
}

function infrastructureOf({ infrastructure }: ServeConfig, dataDir: string): Infrastructure {
  switch (infrastructure) {
    case "process":
      return processInfrastructure({ dataDir });
    case "simulated":
      return simulatedInfrastructure();
  }
}

function givenToken({ token }: ServeConfig): string | undefined {
  return typeof token === "object" ? token.given : undefined;
}
