import type { InstallerDefinition } from "../model/config.ts";
import { keyOf, parseKey } from "./key.ts";

/** Finds an installer by id and version (`latest` for the highest). */
export type Find = (id: string, version: string) => InstallerDefinition | undefined;

export interface Ordered {
  readonly installers: readonly InstallerDefinition[];
  /** By the place in the list of the key that led there; in the words that Che's users know. */
  readonly problems: readonly { readonly index: number; readonly message: string }[];
}

/**
 * Puts installers and all that they depend on into the order in which they run: dependencies first, otherwise as given,
 * each once.
 */
export function inOrder(keys: readonly string[], find: Find): Ordered {
  const ordered = new Map<string, InstallerDefinition>();
  const versions = new Map<string, string>();

  /** @returns what is wrong with the installer or with what it depends on. */
  function visit(key: string, trail: readonly string[]): string[] {
    const found = lookUp(key, find);
    if (typeof found === "string") return [found];

    const resolved = keyOf(found);
    if (trail.includes(resolved)) {
      return [`Installers circular dependency found between '${trail.at(-1)}' and '${resolved}'`];
    }
    const other = versions.get(found.id) ?? found.version;
    if (other !== found.version) {
      // Che's wording, spelling included: programs look for it.
      return [
        `Installers dependencies conflict. Several version '${other}' and '${found.version}' of the some id '${found.id}'`,
      ];
    }
    if (ordered.has(resolved)) return [];

    versions.set(found.id, found.version);
    const messages = (found.dependencies ?? []).flatMap((dependency) => visit(dependency, [...trail, resolved]));
    ordered.set(resolved, found);
    return messages;
  }

  const problems = keys.flatMap((key, index) => [...new Set(visit(key, []))].map((message) => ({ index, message })));
  return { installers: [...ordered.values()], problems };
}

/** The installer, or why there is none. */
function lookUp(key: string, find: Find): InstallerDefinition | string {
  const wanted = parseKey(key);
  if (wanted === undefined) return `Illegal installer key format: ${key}`;
  const missing =
    wanted.version === "latest"
      ? `No installer '${wanted.id}' found of the latest version`
      : `Installer with fqn '${key}' doesn't exist`;
  return find(wanted.id, wanted.version) ?? missing;
}
