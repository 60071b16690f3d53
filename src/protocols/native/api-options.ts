import type { FastifyBaseLogger } from "fastify";
import type { Supervisor } from "../../supervisor/api.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Access } from "./access.ts";

export interface ApiOptions {
  readonly supervisor: Supervisor;
  readonly access: Access;
  readonly metrics: Metrics;
  readonly logger: FastifyBaseLogger;
  /** Where the output listener is, for a client that reached us as `host`. */
  readonly outputUrl: (host: string) => string;
  /** Aborts when the server is about to close: ends long polls. */
  readonly closing: AbortSignal;
}
