import type { ProbeConfig, ServerConfig } from "../model/config.ts";
import type { ProbeSpec, ServerSpec } from "../model/environment.ts";
import { statusRange } from "./config-schema.ts";
import type { Report } from "./problems.ts";

/** Che's, for what counts as an answer. */
const ANSWERED = { from: 200, to: 399 };

/** The budget and the time limit are Che's; a look every second costs little, and a user waits. */
const READINESS = { budgetMs: 180_000, periodMs: 1_000, timeoutMs: 3_000, successThreshold: 1 };

/** Period and thresholds are Che's; its time limit of two minutes notices nothing in time. */
const LIVENESS = { periodMs: 10_000, timeoutMs: 5_000, failureThreshold: 3, successThreshold: 1 };

/** Fills in what the user left out. The config is valid: its port is one of the three forms. */
export function resolveServer(name: string, config: ServerConfig, path: string, report: Report): ServerSpec {
  const [port, suffix] = String(config.port).split("/");
  const transport = (suffix ?? config.protocol) === "udp" ? "udp" : "tcp";
  const server = {
    name,
    port: port === "auto" ? ("auto" as const) : Number(port),
    transport,
    protocol: config.protocol ?? transport,
    path: rooted(config.path ?? ""),
    attributes: config.attributes,
    internal: config.attributes["internal"] === "true",
  } satisfies Partial<ServerSpec>;

  for (const which of ["readiness", "liveness"] as const) {
    const type = config[which]?.type;
    if (transport === "udp" && type !== undefined && type !== "none") {
      report(`${path}.${which}.type`, `must be "none": a udp server cannot be asked by "${type}"`);
    }
  }

  const { readiness = {}, liveness = {} } = config;
  return {
    ...server,
    readiness: {
      ...resolveProbe(readiness, server, READINESS.timeoutMs),
      periodMs: readiness.periodMs ?? READINESS.periodMs,
      successThreshold: readiness.successThreshold ?? READINESS.successThreshold,
      budgetMs: readiness.budgetMs ?? READINESS.budgetMs,
    },
    liveness: {
      ...resolveProbe({ ...askedFor(readiness), ...liveness }, server, LIVENESS.timeoutMs),
      periodMs: liveness.periodMs ?? LIVENESS.periodMs,
      failureThreshold: liveness.failureThreshold ?? LIVENESS.failureThreshold,
      successThreshold: liveness.successThreshold ?? LIVENESS.successThreshold,
    },
  };
}

/** What readiness asks is what liveness asks, unless the user says otherwise: the path that a server answers is known there. */
function askedFor({ type, path, expectedStatus }: ProbeConfig): ProbeConfig {
  return {
    ...(type === undefined ? {} : { type }),
    ...(path === undefined ? {} : { path }),
    ...(expectedStatus === undefined ? {} : { expectedStatus }),
  };
}

type Probed = Pick<ServerSpec, "transport" | "protocol" | "path">;

function resolveProbe(config: ProbeConfig, server: Probed, timeoutMs: number): ProbeSpec {
  return {
    type: config.type ?? usualProbe(server),
    path: rooted(config.path ?? server.path) || "/",
    expectedStatus: (config.expectedStatus === undefined ? null : statusRange(config.expectedStatus)) ?? ANSWERED,
    timeoutMs: config.timeoutMs ?? timeoutMs,
  };
}

function usualProbe({ transport, protocol }: Probed): ProbeSpec["type"] {
  if (transport === "udp") return "none";
  return protocol === "http" || protocol === "https" ? "http" : "tcp";
}

/** A path with its leading slash; an empty one stays empty. */
function rooted(path: string): string {
  return path === "" || path.startsWith("/") ? path : `/${path}`;
}
