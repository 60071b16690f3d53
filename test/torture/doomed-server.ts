/**
 * A server that kills itself at a chosen moment: `doomed-server.ts '{"method":"append","nth":3,"edge":"after"}' serve FLAGS`.
 *
 * It is what `troupe serve --no-token` is, but for its journal and its infrastructure: before, during or after the chosen
 * call the process ends as by `kill -9`. That is how the moments between a commit and what follows it are met.
 */
import { parseArgs } from "node:util";
import { writeReadyFile } from "../../src/cli/ready-file.ts";
import { processInfrastructure } from "../../src/infrastructure/process/index.ts";
import { openDataDirectory } from "../../src/journal/data-directory.ts";
import { sqliteJournal } from "../../src/journal/sqlite.ts";
import { createNativeServer } from "../../src/protocols/native/index.ts";
import { createSupervisor } from "../../src/supervisor/supervisor.ts";
import { createLogger } from "../../src/telemetry/log.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import type { DoomedCall } from "./doom.ts";

/** A pending call has come this far, or a little less. */
const DURING_MS = 10;

function die(): void {
  process.kill(process.pid, "SIGKILL");
}

/** The same object, whose chosen call is the process' last. */
function doomed<Spi extends object>(spi: Spi, { method, nth, edge }: DoomedCall): Spi {
  let calls = 0;
  return new Proxy(spi, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        const isIt = name === method && ++calls === nth;
        if (isIt && edge === "before") die();
        const result: unknown = value.apply(target, args);
        if (isIt && edge === "during") setTimeout(die, Math.random() * DURING_MS);
        if (isIt && edge === "after") {
          if (result instanceof Promise) result.then(die, die);
          else die();
        }
        return result;
      };
    },
  });
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: "string", default: "0" },
    "output-port": { type: "string", default: "0" },
    "data-dir": { type: "string", default: "" },
    "ready-file": { type: "string", default: "" },
    "log-level": { type: "string", default: "warn" },
    "no-token": { type: "boolean", default: true },
  },
});
const call = JSON.parse(positionals[0] ?? "{}") as DoomedCall;
const directory = openDataDirectory(values["data-dir"]);
const logger = createLogger("warn");
const metrics = createMetrics();
const supervisor = await createSupervisor({
  journal: doomed(sqliteJournal({ file: directory.file("journal.db") }), call),
  infrastructures: [doomed(processInfrastructure({ dataDir: directory.path }), call)],
  logger,
  metrics,
});
const server = await createNativeServer({
  supervisor,
  host: "127.0.0.1",
  port: Number(values.port),
  outputPort: Number(values["output-port"]),
  tokens: null,
  logger,
  metrics,
});
await writeReadyFile(values["ready-file"], {
  url: server.url,
  outputUrl: server.outputUrl,
  token: undefined,
  tokenFile: undefined,
  close: async () => {},
});
