/** Paths in a workspace file that mean "beside this file". */
import { resolve } from "node:path";

/**
 * Makes the working directories of a process recipe that begin with `./` or `../` absolute, starting at `folder`: the
 * folder of the workspace file. Other relative ones start at the machine's own directory and stay as they are.
 *
 * Takes what was parsed and not yet validated, and changes nothing else of it: what is not as it should be is left for
 * validation to name. Content given as text is not looked into.
 */
export function anchorWorkingDirs(config: unknown, folder: string): unknown {
  const environment = (value: unknown) => within(value, "recipe", (recipe) => anchorRecipe(recipe, folder));
  return within(within(config, "environment", environment), "environments", (all) => mapValues(all, environment));
}

function anchorRecipe(recipe: unknown, folder: string): unknown {
  if (!isRecord(recipe) || recipe["type"] !== "process") return recipe;
  const machine = (value: unknown) => within(value, "workingDir", (path) => anchor(path, folder));
  return within(recipe, "content", (content) =>
    within(content, "machines", (machines) => mapValues(machines, machine)),
  );
}

function anchor(path: unknown, folder: string): unknown {
  return typeof path === "string" && /^\.\.?(\/|$)/.test(path) ? resolve(folder, path) : path;
}

/** `value` with `change` applied to its own property `key`, if it has one. */
function within(value: unknown, key: string, change: (inner: unknown) => unknown): unknown {
  return isRecord(value) && Object.hasOwn(value, key) ? { ...value, [key]: change(value[key]) } : value;
}

function mapValues(value: unknown, change: (inner: unknown) => unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
