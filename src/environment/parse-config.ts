import { isDeepStrictEqual } from "node:util";
import { type Problem, type TroupeError, validationError } from "../errors.ts";
import type { WorkspaceConfig } from "../model/config.ts";
import { cheProblems, inCheWords } from "./che-rules.ts";
import { workspaceName } from "./names.ts";
import { plainData } from "./plain-data.ts";
import { check, type Finding } from "./problems.ts";
import { workspaceConfigSchema, workspaceFileSchema } from "./workspace-schema.ts";

/** How a config is written: as a workspace file (one `environment`), or as Che's WorkspaceConfig (`environments`). */
export type ConfigShape = "workspace-file" | "che";

/** The name under which a workspace file's one environment is stored. */
const DEFAULT_ENVIRONMENT = "default";

/**
 * Reads a config, in either shape, into the form in which it is stored.
 *
 * The stored form is a config too, and parses to itself. What a recipe contains is judged later, by
 * `resolveEnvironment`; `validateWorkspace` does both.
 *
 * @throws {TroupeError} `CONFIG_INVALID` with every problem, each with its path in the shape that was given.
 */
export function parseConfig(input: unknown): WorkspaceConfig {
  const { config, data, problems } = readConfig(input);
  if (config === undefined) throw invalidConfig(data, problems);
  return config;
}

export interface ConfigReading {
  /** Absent if there are problems. */
  readonly config?: WorkspaceConfig;
  readonly problems: readonly Problem[];
  /** A copy of the input: plain data, whatever is wrong with them. */
  readonly data: unknown;
  /** What in `data` does not fit. */
  readonly findings: readonly Finding[];
}

/** Reads a config; what is wrong with it, it returns. */
export function readConfig(input: unknown): ConfigReading {
  const { data, problems: untold } = plainData(input);
  const reading = isRecord(data) && shapeOf(data) === "che" ? readChe(data) : readFile(data);
  if (untold.length === 0) return { ...reading, data };
  // What could not be copied is not told a second time because it is missing in the copy.
  const others = reading.problems.filter(({ path }) => !untold.some((one) => one.path === path));
  return { problems: [...untold, ...others], data, findings: reading.findings };
}

/** The error for a config with these problems. */
export function invalidConfig(data: unknown, problems: readonly Problem[]): TroupeError {
  const name = isRecord(data) ? data["name"] : undefined;
  const isName = typeof name === "string" && workspaceName.pattern.test(name);
  return validationError(isName ? `the config of workspace "${name}"` : "the workspace's config", problems);
}

/** In which shape a config is written. Of the stored form: `che`. */
export function shapeOf(input: unknown): ConfigShape {
  return isRecord(input) && !("environment" in input) && ("environments" in input || "defaultEnv" in input)
    ? "che"
    : "workspace-file";
}

/**
 * Where an environment stands in a config of that shape.
 *
 * The stored form does not say how it was written: without a shape, as a workspace file if it can have been one.
 */
export function environmentPath(
  config: WorkspaceConfig,
  environmentName: string,
  shape?: ConfigShape | undefined,
): string {
  const environments = Object.keys(config.environments);
  const isFile =
    shape === undefined ? environments.length === 1 && environments[0] === DEFAULT_ENVIRONMENT : shape !== "che";
  return isFile ? "environment" : `environments.${environmentName}`;
}

type Reading = Omit<ConfigReading, "data">;

function readFile(data: unknown): Reading {
  const parsed = check(workspaceFileSchema, data, "");
  if (!("value" in parsed)) return parsed;
  const { $schema: _, environment, ...rest } = parsed.value;
  const environments = { [DEFAULT_ENVIRONMENT]: environment };
  const config = { ...rest, defaultEnv: DEFAULT_ENVIRONMENT, environments, commands: [], projects: [] };
  return { config, problems: [], findings: [] };
}

function readChe(data: Readonly<Record<string, unknown>>): Reading {
  const parsed = check(workspaceConfigSchema, data, "", (finding) => inCheWords(finding, data));
  const che = [...cheProblems(data)];
  const findings = che.map(({ path, message }) => ({ keys: [path], message }));
  if (!("value" in parsed)) {
    return { problems: [...parsed.problems, ...che], findings: [...parsed.findings, ...findings] };
  }
  const { links: _, ...config } = parsed.value;
  // What we stored comes back as it is, from the journal or from a client that read it: Che's own rules are not for it.
  const isStored = isDeepStrictEqual(config, data);
  return che.length === 0 || isStored ? { config, problems: [], findings: [] } : { problems: che, findings };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
