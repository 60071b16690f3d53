/** The environment variables of a machine's processes. */
import type { MachineSpec } from "../../model/environment.ts";
import type { Instance, ServerAddress } from "../spi.ts";
import { INSTANCE_MARK, MACHINE_MARK } from "./process-table.ts";

/** What a machine gets of the supervisor's own environment. Everything else may be a secret. */
const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"] as const;

/** For a supervisor without a PATH. */
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

export interface MachineFacts {
  readonly instance: Instance;
  readonly machine: MachineSpec;
  /** The machine's own servers, by name; empty before they are known. */
  readonly ports: Readonly<Record<string, number>>;
  /** Servers of machines that have been started, by machine and server. */
  readonly neighbours: Readonly<Record<string, Readonly<Record<string, ServerAddress>>>>;
  /** Directories of the machine's volumes, by name. */
  readonly volumes: Readonly<Record<string, string>>;
}

/**
 * A small safe base, what the machine finds by convention, and what the user wrote. The user's values win, but for
 * the `TROUPE_` ones: processes are found by them.
 */
export function machineEnvironment(facts: MachineFacts, base: NodeJS.ProcessEnv): Record<string, string> {
  return { ...inherited(base), ...portByConvention(facts.ports), ...facts.machine.env, ...own(facts) };
}

function inherited(base: NodeJS.ProcessEnv): Record<string, string> {
  const env: Record<string, string> = { PATH: DEFAULT_PATH };
  for (const name of INHERITED) {
    const value = base[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

function portByConvention(ports: Readonly<Record<string, number>>): Record<string, string> {
  const [only, ...others] = Object.values(ports);
  return only === undefined || others.length > 0 ? {} : { PORT: String(only) };
}

function own({ instance, machine, ports, neighbours, volumes }: MachineFacts): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, servers] of Object.entries(neighbours)) {
    for (const [server, { url }] of Object.entries(servers)) {
      env[`TROUPE_URL_${variableName(name)}_${variableName(server)}`] = url;
    }
  }
  for (const [server, port] of Object.entries(ports)) env[`TROUPE_PORT_${variableName(server)}`] = String(port);
  for (const [volume, directory] of Object.entries(volumes)) env[`TROUPE_VOLUME_${variableName(volume)}`] = directory;
  return {
    ...env,
    TROUPE_WORKSPACE_ID: instance.workspaceId,
    TROUPE_WORKSPACE_NAME: instance.workspaceName,
    [INSTANCE_MARK]: instance.instanceId,
    [MACHINE_MARK]: machine.name,
  };
}

function variableName(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
}
