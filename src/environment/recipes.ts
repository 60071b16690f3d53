/** Recipes: what describes the machines of an environment. */
import type { Problem } from "../errors.ts";
import type { MachineConfig, RecipeConfig } from "../model/config.ts";
import type { DependencyCondition, Warning } from "../model/environment.ts";
import { processRecipe } from "./process-recipe.ts";

/** What a recipe says about one machine. The workspace's own config of the machine is laid over it. */
export interface RecipeMachine {
  /** Where the recipe describes it, for problems that are found later. */
  readonly path: string;
  readonly command: readonly string[] | null;
  readonly workingDir: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly dependsOn: Readonly<Record<string, DependencyCondition>>;
}

export interface RecipeContext {
  /** Where the recipe stands in what the user wrote: `environment.recipe`. */
  readonly path: string;
  /** The workspace's own config of the machines. */
  readonly machines: Readonly<Record<string, MachineConfig>>;
}

export interface ParsedRecipe {
  /** In the recipe's order. Those that could be read, where there are problems. */
  readonly machines: Readonly<Record<string, RecipeMachine>>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
}

/** Reads recipes of one type. Pure: it fetches nothing, and what is wrong with a recipe it tells as problems. */
export interface RecipeFactory {
  readonly type: string;
  /** The machines share one host's ports: no two of them may ask for the same. */
  readonly sharesPorts: boolean;
  parse(recipe: RecipeConfig, context: RecipeContext): ParsedRecipe;
}

export interface RecipeRegistry {
  readonly types: readonly string[];
  get(type: string): RecipeFactory | undefined;
}

/** The recipe types that troupe knows, and `extra` ones; of two for one type the last counts. */
export function recipeRegistry(extra: readonly RecipeFactory[] = []): RecipeRegistry {
  const factories = new Map([processRecipe, ...extra].map((factory) => [factory.type, factory]));
  return { types: [...factories.keys()], get: (type) => factories.get(type) };
}
