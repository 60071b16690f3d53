import type { WorkspaceConfig } from "../model/config.ts";
import { readConfig } from "./parse-config.ts";
import type { Finding } from "./problems.ts";

/** Each round takes out what does not fit, or what should contain what is missing: never more rounds than levels. */
const MAX_ROUNDS = 10;

/** Stands for an installer that cannot be read, so that its machine has as many as were written, at the same places. */
const UNREADABLE = { id: "unreadable", version: "0.0.0", script: ":" };

type Keys = readonly PropertyKey[];

/**
 * What is left of a config without what does not fit; `undefined` if what is left is no config.
 *
 * Only for looking for further problems in it: nothing of it is ever run.
 */
export function withoutFaults(data: unknown, findings: readonly Finding[]): WorkspaceConfig | undefined {
  const copy: unknown = structuredClone(data);
  let faults = findings;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // All are looked up before the first is taken out: one may be inside another.
    for (const fault of faults.map(({ keys }) => faultyPart(copy, keys))) takeOut(copy, fault);
    const { config, findings: left } = readConfig(copy);
    if (config !== undefined) return config;
    faults = left;
  }
  return undefined;
}

/** The part to take out: the value at `keys`; where it is missing or in a list, what contains it. Installers stay in place. */
function faultyPart(root: unknown, keys: Keys): Keys {
  const [parent, key] = [valueAt(root, keys.slice(0, -1)), keys.at(-1)];
  const isPart = key !== undefined && parent instanceof Object && Object.hasOwn(parent, key);
  const isLast = keys.length <= 1 || isInstaller(keys);
  return isLast || (isPart && !Array.isArray(parent)) ? keys : faultyPart(root, keys.slice(0, -1));
}

function takeOut(root: unknown, keys: Keys): void {
  const [parent, key] = [valueAt(root, keys.slice(0, -1)), keys.at(-1)];
  if (key === undefined || !(parent instanceof Object)) return;
  if (keys.length === 1 && key === "name") Reflect.set(parent, key, "unnamed");
  else if (isInstaller(keys)) Reflect.set(parent, key, unreadable(Reflect.get(parent, key)));
  else Reflect.deleteProperty(parent, key);
}

function isInstaller(keys: Keys): boolean {
  return keys.at(-2) === "installers" && keys.at(-4) === "machines";
}

/** Under its own id, if it has one: others may depend on it. */
function unreadable(installer: unknown): typeof UNREADABLE {
  const id = valueAt(installer, ["id"]);
  return typeof id === "string" ? { ...UNREADABLE, id } : UNREADABLE;
}

function valueAt(root: unknown, keys: Keys): unknown {
  return keys.reduce<unknown>(
    (value, key) => (value instanceof Object && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined),
    root,
  );
}
