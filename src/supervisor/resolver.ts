import { parseConfig } from "../environment/parse-config.ts";
import type { RecipeRegistry } from "../environment/recipes.ts";
import { resolveEnvironment } from "../environment/resolve-environment.ts";
import { validationError } from "../errors.ts";
import type { Infrastructure } from "../infrastructure/spi.ts";
import type { InstallerRegistry } from "../installers/registry.ts";
import type { WorkspaceConfig } from "../model/config.ts";
import type { Environment, Warning } from "../model/environment.ts";

/** From what users write to what can be run here. Nothing is begun by it. */
export class Resolver {
  readonly #recipes: RecipeRegistry;
  readonly #installers: InstallerRegistry;
  readonly #infrastructures: readonly Infrastructure[];

  constructor(recipes: RecipeRegistry, installers: InstallerRegistry, infrastructures: readonly Infrastructure[]) {
    this.#recipes = recipes;
    this.#installers = installers;
    this.#infrastructures = infrastructures;
  }

  /**
   * Reads a config and looks at every environment of it, so that nothing is stored that cannot be started.
   *
   * @throws {TroupeError} `CONFIG_INVALID` with every problem
   */
  validate(input: unknown): { readonly config: WorkspaceConfig; readonly warnings: readonly Warning[] } {
    const config = parseConfig(input);
    const environments = Object.keys(config.environments).map((name) => this.resolve(config, name));
    for (const environment of environments) this.infrastructureFor(environment);
    return { config, warnings: environments.flatMap(({ warnings }) => warnings) };
  }

  /** @throws {TroupeError} `CONFIG_INVALID` with every problem of the environment; default: the config's default one */
  resolve(config: WorkspaceConfig, environmentName: string | undefined): Environment {
    return resolveEnvironment(config, environmentName, { recipes: this.#recipes, installers: this.#installers });
  }

  /** The first that supports the recipe's type. @throws {TroupeError} `CONFIG_INVALID` if none does */
  infrastructureFor({ recipeType, name }: Environment): Infrastructure {
    const chosen = this.#infrastructures.find(({ recipeTypes }) => recipeTypes.includes(recipeType));
    if (chosen !== undefined) return chosen;
    throw validationError(`environment "${name}"`, [
      { path: "environment.recipe.type", message: `No infrastructure here runs recipes of type "${recipeType}"` },
    ]);
  }
}
