import { isDeepStrictEqual } from "node:util";
import type { RestartPolicy } from "../../machines/restart.ts";
import type { InstallerRegistry } from "../installers/registry.ts";
import type { InstallerDefinition, MachineConfig } from "../model/config.ts";
import type { InstallerSpec, MachineSpec, ServerSpec } from "../model/environment.ts";
import { variablesIn } from "./config-schema.ts";
import { memoryLimitOf } from "./memory.ts";
import type { Report } from "./problems.ts";
import type { RecipeMachine } from "./recipes.ts";
import { resolveServer } from "./resolve-server.ts";

/** Three crashes in a minute; waits from a quarter of a second to ten. */
const RESTART: RestartPolicy = {
  restart: "transient",
  maxRestarts: 3,
  withinMs: 60_000,
  backoffMs: 250,
  maxBackoffMs: 10_000,
};

/** As container engines give. */
const GRACE_MS = 10_000;

/** Che's. */
const INSTALLER_TIMEOUT_MS = 120_000;

export interface MachineSources {
  readonly name: string;
  readonly recipe: RecipeMachine;
  readonly config: MachineConfig;
  /** Where `config` stands in what the user wrote. */
  readonly path: string;
  readonly registry: InstallerRegistry;
}

/** Lays the workspace's config over the recipe's, adds what the installers bring, and fills in the defaults. */
export function resolveMachine({ name, recipe, config, path, registry }: MachineSources, report: Report): MachineSpec {
  const { installers, problems } = registry.resolve(config.installers, `${path}.installers`);
  for (const problem of problems) report(problem.path, problem.message);
  return {
    name,
    command: recipe.command,
    workingDir: recipe.workingDir,
    // A later installer's variable wins over an earlier one's, and what the user wrote over both.
    env: { ...Object.assign({}, ...installers.map(variablesOf)), ...recipe.env, ...config.env },
    dependsOn: { ...recipe.dependsOn, ...config.dependsOn },
    installers: installers.map(resolveInstaller),
    servers: resolveServers(config, installers, path, report),
    volumes: mapValues(config.volumes, ({ path: mountPath = null }) => ({ path: mountPath })),
    memoryLimitBytes: memoryLimitOf(config.attributes),
    restart: resolveRestart(config.restart),
    graceMs: config.graceMs ?? GRACE_MS,
    attributes: config.attributes,
  };
}

function resolveInstaller(definition: InstallerDefinition): InstallerSpec {
  const {
    id,
    version,
    name = id,
    description = "",
    script,
    servers = {},
    timeoutMs = INSTALLER_TIMEOUT_MS,
  } = definition;
  return { id, version, name, description, script, servers: Object.keys(servers), timeoutMs };
}

function resolveServers(
  config: MachineConfig,
  installers: readonly InstallerDefinition[],
  path: string,
  report: Report,
): Record<string, ServerSpec> {
  const servers = new Map<string, ServerSpec>();
  for (const [name, server] of Object.entries(config.servers)) {
    servers.set(name, resolveServer(name, server, `${path}.servers.${name}`, report));
  }
  for (const installer of installers) {
    for (const [name, server] of Object.entries(installer.servers ?? {})) {
      const brought = resolveServer(name, server, `${path}.installers`, report);
      const present = servers.get(name) ?? brought;
      if (!isDeepStrictEqual(present, brought)) {
        const message = `Installer '${installer.id}' contains server '${name}' conflicting with machine configuration`;
        report(`${path}.servers.${name}`, message);
      }
      servers.set(name, present);
    }
  }
  return Object.fromEntries(servers);
}

function variablesOf({ properties }: InstallerDefinition): Readonly<Record<string, string>> {
  return variablesIn(properties?.["environment"] ?? {}) ?? {};
}

function resolveRestart(restart: MachineConfig["restart"] = {}): RestartPolicy {
  const { policy = RESTART.restart, backoffMs = RESTART.backoffMs, ...limits } = restart;
  return { ...RESTART, ...limits, restart: policy, backoffMs, maxBackoffMs: Math.max(backoffMs, RESTART.maxBackoffMs) };
}

function mapValues<From, To>(values: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
