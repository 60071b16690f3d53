import type { RestartPolicy } from "../../machines/restart.ts";
import type {
  Environment,
  InstallerSpec,
  LivenessSpec,
  MachineSpec,
  ReadinessSpec,
  ServerSpec,
  Strategy,
} from "../model/environment.ts";

export type ServerSketch = Partial<Omit<ServerSpec, "readiness" | "liveness">> & {
  readonly readiness?: Partial<ReadinessSpec>;
  readonly liveness?: Partial<LivenessSpec>;
};

export type MachineSketch = Partial<Omit<MachineSpec, "installers" | "servers" | "restart">> & {
  readonly installers?: readonly (Partial<InstallerSpec> & { readonly id: string })[];
  /** By name. */
  readonly servers?: Readonly<Record<string, ServerSketch>>;
  readonly restart?: Partial<RestartPolicy>;
};

export type EnvironmentSketch = Partial<Omit<Environment, "machines" | "strategy">> & {
  /** By name. */
  readonly machines: Readonly<Record<string, MachineSketch>>;
  readonly strategy?: Partial<Strategy>;
};

/**
 * A resolved environment of which only what matters is said. The rest is as in a config that leaves it out.
 *
 * @example environmentOf({ machines: { web: { command: ["node", "server.js"], servers: { http: {} } } } })
 */
export function environmentOf({ machines, strategy, ...rest }: EnvironmentSketch): Environment {
  return {
    name: "default",
    recipeType: "process",
    warnings: [],
    ...rest,
    strategy: { onFailure: "stop-workspace", maxRestarts: 3, withinMs: 60_000, ...strategy },
    machines: mapValues(machines, machineOf),
  };
}

function machineOf(name: string, { installers = [], servers = {}, restart, ...rest }: MachineSketch): MachineSpec {
  return {
    name,
    command: null,
    workingDir: null,
    env: {},
    dependsOn: {},
    volumes: {},
    memoryLimitBytes: null,
    graceMs: 10_000,
    attributes: {},
    ...rest,
    installers: installers.map(installerOf),
    servers: mapValues(servers, serverOf),
    restart: {
      restart: "transient",
      maxRestarts: 3,
      withinMs: 60_000,
      backoffMs: 250,
      maxBackoffMs: 10_000,
      ...restart,
    },
  };
}

function installerOf(installer: Partial<InstallerSpec> & { readonly id: string }): InstallerSpec {
  const { id } = installer;
  return { version: "1.0.0", name: id, description: "", script: "", servers: [], timeoutMs: 120_000, ...installer };
}

function serverOf(name: string, { readiness, liveness, ...rest }: ServerSketch): ServerSpec {
  const transport = rest.transport ?? "tcp";
  const protocol = rest.protocol ?? "http";
  const isHttp = protocol === "http" || protocol === "https";
  const probe = {
    type: transport === "udp" ? "none" : isHttp ? "http" : "tcp",
    path: rest.path || "/",
    expectedStatus: { from: 200, to: 399 },
    successThreshold: 1,
  } as const;
  return {
    name,
    port: "auto",
    path: "",
    attributes: {},
    internal: false,
    ...rest,
    transport,
    protocol,
    readiness: { ...probe, periodMs: 1_000, timeoutMs: 3_000, budgetMs: 180_000, ...readiness },
    liveness: { ...probe, periodMs: 10_000, timeoutMs: 5_000, failureThreshold: 3, ...liveness },
  };
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  map: (key: string, value: From) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(key, value)]));
}
