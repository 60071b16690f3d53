import { environmentPath } from "../environment/parse-config.ts";
import type { RecipeRegistry } from "../environment/recipes.ts";
import { resolveEnvironment } from "../environment/resolve-environment.ts";
import { validateWorkspace } from "../environment/validate-workspace.ts";
import { type Problem, validationError } from "../errors.ts";
import type { Infrastructure } from "../infrastructure/spi.ts";
import type { InstallerRegistry } from "../installers/registry.ts";
import type { WorkspaceConfig } from "../model/config.ts";
import type { Environment, Warning } from "../model/environment.ts";

/** From what users write to what can be run here. Nothing is begun by it. */
export class Resolver {
  readonly #registries: { readonly recipes: RecipeRegistry; readonly installers: InstallerRegistry };
  readonly #infrastructures: readonly Infrastructure[];

  constructor(recipes: RecipeRegistry, installers: InstallerRegistry, infrastructures: readonly Infrastructure[]) {
    this.#registries = { recipes, installers };
    this.#infrastructures = infrastructures;
  }

  /**
   * Reads a config and looks at every environment of it, so that nothing is stored that cannot be started.
   *
   * @throws {TroupeError} `CONFIG_INVALID` with every problem
   */
  validate(input: unknown): { readonly config: WorkspaceConfig; readonly warnings: readonly Warning[] } {
    const { config, warnings } = validateWorkspace(input, this.#registries);
    const problems = Object.entries(config.environments)
      .filter(([, { recipe }]) => this.#find(recipe.type) === undefined)
      .map(([name, { recipe }]) => unsupported(config, name, recipe.type));
    if (problems.length > 0) throw validationError(`workspace "${config.name}"`, problems);
    return { config, warnings };
  }

  /**
   * One environment (default: the config's default one), and the first infrastructure that supports its recipe's type.
   *
   * @throws {TroupeError} `CONFIG_INVALID` with every problem of the environment
   */
  resolve(
    config: WorkspaceConfig,
    environmentName: string | undefined,
  ): { readonly environment: Environment; readonly infrastructure: Infrastructure } {
    const environment = resolveEnvironment(config, environmentName, this.#registries);
    const { name, recipeType } = environment;
    const infrastructure = this.#find(recipeType);
    if (infrastructure !== undefined) return { environment, infrastructure };
    throw validationError(`environment "${name}"`, [unsupported(config, name, recipeType)]);
  }

  #find(recipeType: string): Infrastructure | undefined {
    return this.#infrastructures.find(({ recipeTypes }) => recipeTypes.includes(recipeType));
  }
}

function unsupported(config: WorkspaceConfig, environmentName: string, recipeType: string): Problem {
  return {
    path: `${environmentPath(config, environmentName)}.recipe.type`,
    message: `no infrastructure here runs recipes of type "${recipeType}"`,
  };
}
