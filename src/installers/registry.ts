import { isDeepStrictEqual } from "node:util";
import semver from "semver";
import { installerSchema } from "../environment/config-schema.ts";
import { check } from "../environment/problems.ts";
import { type Problem, validationError } from "../errors.ts";
import type { InstallerDefinition } from "../model/config.ts";
import { keyOf } from "./key.ts";
import { inOrder } from "./order.ts";

export { loadInstallers } from "./load-installers.ts";

/** Installers that a config can name. */
export interface InstallerRegistry {
  /** By id, then by version, lowest first. */
  readonly definitions: readonly InstallerDefinition[];

  /**
   * What a machine asks for (keys `id` or `id:version`, or whole installers), with all that it depends on, in the order
   * in which it runs.
   *
   * A key without version means the highest version. Whole installers count as registered for this machine; of their
   * ids they are the latest. `path` is where the list stands in what the user wrote.
   */
  resolve(
    requested: readonly (string | InstallerDefinition)[],
    path: string,
  ): { readonly installers: readonly InstallerDefinition[]; readonly problems: readonly Problem[] };
}

/** @throws {TroupeError} `CONFIG_INVALID` if a definition is not valid, or one version of an installer is defined twice. */
export function installerRegistry(definitions: readonly InstallerDefinition[]): InstallerRegistry {
  const checked = definitions.map((definition, index) => check(installerSchema, definition, String(index)));
  const valid = checked.flatMap((one) => ("value" in one ? [one.value] : []));
  const problems = [...checked.flatMap((one) => one.problems), ...twiceDefined(definitions)];
  if (problems.length > 0) throw validationError("the installers", problems);

  const registered: readonly InstallerDefinition[] = valid.toSorted(byIdAndVersion);
  return {
    definitions: registered,
    resolve(requested, path) {
      const inline = requested.filter((one) => typeof one !== "string");
      const find = (id: string, version: string) => pick(inline, id, version) ?? pick(registered, id, version);
      const keys = requested.map((one) => (typeof one === "string" ? one : keyOf(one)));
      const ordered = inOrder(keys, find);
      const problems = ordered.problems.map(({ index, message }) => ({ path: `${path}.${index}`, message }));
      return { installers: ordered.installers, problems: [...problems, ...twiceDefined(requested, path)] };
    },
  };
}

function pick(
  definitions: readonly InstallerDefinition[],
  id: string,
  version: string,
): InstallerDefinition | undefined {
  const versions = definitions.filter((definition) => definition.id === id);
  if (version === "latest") return versions.toSorted(byIdAndVersion).at(-1);
  return versions.find((definition) => definition.version === version);
}

function twiceDefined(list: readonly (string | InstallerDefinition)[], path = ""): Problem[] {
  const first = new Map<string, InstallerDefinition>();
  const problems: Problem[] = [];
  for (const [index, one] of list.entries()) {
    if (typeof one === "string") continue;
    const other = first.get(keyOf(one)) ?? one;
    first.set(keyOf(one), other);
    if (isDeepStrictEqual(other, one)) continue;
    problems.push({
      path: path === "" ? `${index}` : `${path}.${index}`,
      message: `"${keyOf(one)}" is defined twice, differently`,
    });
  }
  return problems;
}

function byIdAndVersion(one: InstallerDefinition, other: InstallerDefinition): number {
  if (one.id !== other.id) return one.id < other.id ? -1 : 1;
  return semver.compareBuild(one.version, other.version);
}
