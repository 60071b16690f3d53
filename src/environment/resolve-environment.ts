import { type Problem, validationError } from "../errors.ts";
import type { InstallerRegistry } from "../installers/registry.ts";
import type { EnvironmentConfig, MachineConfig, WorkspaceConfig } from "../model/config.ts";
import type { Environment, MachineSpec } from "../model/environment.ts";
import { suggestion } from "./closest.ts";
import { dependencyProblems } from "./dependency-problems.ts";
import { type ConfigShape, environmentPath } from "./parse-config.ts";
import type { ParsedRecipe, RecipeMachine, RecipeRegistry } from "./recipes.ts";
import { resolveMachine } from "./resolve-machine.ts";

/** Each is an actor with children of its own; a workspace is a group of some tens of them. */
const MAX_MACHINES = 100;

/** As for one machine that crashes. */
const STRATEGY = { maxRestarts: 3, withinMs: 60_000 };

const UNCONFIGURED: MachineConfig = {
  installers: [],
  servers: {},
  env: {},
  attributes: {},
  volumes: {},
  dependsOn: {},
};

export interface ResolveOptions {
  readonly recipes: RecipeRegistry;
  readonly installers: InstallerRegistry;
  /** How the user wrote the config, for the paths of problems. Default: see `environmentPath`. */
  readonly shape?: ConfigShape | undefined;
}

/**
 * Makes of one environment of a config what is run: recipe and machines' configs merged, installers in order, defaults
 * filled in.
 *
 * Pure; the same config gives the same environment, in the same order. `environmentName` defaults to the config's
 * default environment.
 *
 * @throws {TroupeError} `CONFIG_INVALID` with every problem of that environment.
 */
export function resolveEnvironment(
  config: WorkspaceConfig,
  environmentName: string | undefined,
  { recipes, installers, shape }: ResolveOptions,
): Environment {
  const name = environmentName ?? config.defaultEnv;
  const what = `environment "${name}" of workspace "${config.name}"`;
  const environment = own(config.environments, name);
  if (environment === undefined) {
    const message = `there is no such environment${suggestion(name, Object.keys(config.environments))}`;
    throw validationError(what, [{ path: "", message }]);
  }

  const problems: Problem[] = [];
  const path = environmentPath(config, name, shape);
  const recipe = parseRecipe(environment, recipes, path);
  problems.push(...recipe.problems);

  // Machines that the recipe does not have are resolved too: what is wrong with them is told in the same answer.
  const machines: Record<string, MachineSpec> = {};
  for (const machine of new Set([...Object.keys(recipe.machines), ...Object.keys(environment.machines)])) {
    const machinePath = `${path}.machines.${machine}`;
    const sources = {
      name: machine,
      recipe: own(recipe.machines, machine) ?? undescribed(machinePath),
      config: own(environment.machines, machine) ?? UNCONFIGURED,
      path: machinePath,
      registry: installers,
    };
    machines[machine] = resolveMachine(sources, (at, message) => problems.push({ path: at, message }));
  }

  if (recipe.problems.length === 0) {
    const described = Object.keys(recipe.machines);
    problems.push(...strangerProblems(described, environment, path));
    problems.push(...dependencyProblems(machines, described, dependencyPath(recipe, environment, path)));
  }
  if (recipes.get(environment.recipe.type)?.sharesPorts) problems.push(...portProblems(machines, path));
  if (problems.length > 0) throw validationError(what, problems);

  return {
    name,
    recipeType: environment.recipe.type,
    machines,
    strategy: { onFailure: environment.onFailure ?? "stop-workspace", ...STRATEGY },
    warnings: recipe.warnings,
  };
}

function parseRecipe({ recipe, machines }: EnvironmentConfig, recipes: RecipeRegistry, path: string): ParsedRecipe {
  const factory = recipes.get(recipe.type);
  if (factory === undefined) return unusable(`${path}.recipe.type`, `is not known; known: ${recipes.types.join(", ")}`);
  const parsed = factory.parse(recipe, { path: `${path}.recipe`, machines });
  if (Object.keys(parsed.machines).length <= MAX_MACHINES) return parsed;
  return unusable(`${path}.recipe`, `has more than ${MAX_MACHINES} machines`);
}

function unusable(path: string, message: string): ParsedRecipe {
  return { machines: {}, problems: [{ path, message }], warnings: [] };
}

function undescribed(path: string): RecipeMachine {
  return { path, command: null, workingDir: null, env: {}, dependsOn: {} };
}

function strangerProblems(described: readonly string[], { machines }: EnvironmentConfig, path: string): Problem[] {
  return Object.keys(machines)
    .filter((machine) => !described.includes(machine))
    .map((machine) => ({
      path: `${path}.machines.${machine}`,
      message: `is not a machine of the recipe${suggestion(machine, described)}`,
    }));
}

/** Where a machine says that it depends on another. */
function dependencyPath(recipe: ParsedRecipe, environment: EnvironmentConfig, path: string) {
  return (machine: string, dependency: string): string => {
    const configured = own(own(environment.machines, machine)?.dependsOn ?? {}, dependency) !== undefined;
    const at = configured ? `${path}.machines.${machine}` : (own(recipe.machines, machine)?.path ?? path);
    return `${at}.dependsOn.${dependency}`;
  };
}

/** Two machines that want the same port of the host they share. Within one machine several servers may share a port. */
function portProblems(machines: Readonly<Record<string, MachineSpec>>, path: string): Problem[] {
  const owners = new Map<string, { readonly machine: string; readonly server: string }>();
  const problems: Problem[] = [];
  for (const [machine, { servers }] of Object.entries(machines)) {
    for (const [server, { port, transport }] of Object.entries(servers)) {
      if (port === "auto") continue;
      const key = `${port}/${transport}`;
      const owner = owners.get(key) ?? { machine, server };
      owners.set(key, owner);
      if (owner.machine === machine) continue;
      const message = `port ${port} is also wanted by server "${owner.server}" of machine "${owner.machine}"`;
      problems.push({ path: `${path}.machines.${machine}.servers.${server}.port`, message });
    }
  }
  return problems;
}

/** Never what every object inherits: names come from users. */
function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
