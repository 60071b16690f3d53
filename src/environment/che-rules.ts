/** What Che asks of a config beyond what we ask, and the words in which its clients and users know the answers. */
import type { Problem } from "../errors.ts";
import { attributeName, machineName, volumeName, workspaceName } from "./names.ts";
import type { Finding } from "./problems.ts";

const NAME =
  "Incorrect workspace name, it must be between 3 and 100 characters and may contain digits, latin letters, " +
  "underscores, dots, dashes and must start and end only with digits or latin letters";

/** Rules of Che's that its configs must keep and workspace files need not. */
export function* cheProblems(config: Readonly<Record<string, unknown>>): Generator<Problem> {
  const { name, attributes, environments } = config;
  if (typeof name === "string" && name.length < 3 && workspaceName.pattern.test(name))
    yield { path: "name", message: NAME };
  if (hasPlugins(attributes) && hasInstallers(environments)) {
    yield { path: "attributes", message: "Workspace config cannot have both plugins and installers." };
  }
}

/** A finding in Che's words; `undefined` where Che has none. */
export function inCheWords(finding: Finding, config: unknown): string | undefined {
  const wording = wordings.find(([pattern]) => matches(pattern.split("."), finding.keys));
  return wording?.[1]({
    // What stands at the pattern's wildcards: environment, machine, server.
    names: finding.keys.filter((_, index) => wording[0].split(".")[index] === "*").map(String),
    value: valueAt(config, finding.keys),
    message: finding.message,
    workspace: shown(valueAt(config, ["name"])),
    sibling: (key) => shown(valueAt(config, [...finding.keys.slice(0, -1), key])),
  });
}

interface Subject {
  readonly names: readonly string[];
  readonly value: unknown;
  /** In our words. */
  readonly message: string;
  readonly workspace: string;
  /** What stands beside the value. */
  readonly sibling: (key: string) => string;
}

const SERVER = "environments.*.machines.*.servers.*";

const wordings: readonly (readonly [pattern: string, word: (subject: Subject) => string | undefined])[] = [
  ["name", ({ value }) => (value === undefined ? "Workspace name required" : NAME)],
  [
    "defaultEnv",
    ({ value }) => `Workspace default environment ${value === undefined ? "name" : "configuration"} required`,
  ],
  ["environments", () => "Workspace must contain at least one environment"],
  ["environments.*", ({ value }) => (value === null ? "Environment must not be null" : undefined)],
  [
    "environments.*.recipe",
    ({ value }) => (value instanceof Object ? undefined : "Environment recipe must not be null"),
  ],
  ["environments.*.recipe.type", () => "Environment recipe type must not be null"],
  [
    "environments.*.machines.*",
    ({ names: [, machine], message }) =>
      message === machineName.message ? `Name of machine '${machine}' in environment is invalid` : undefined,
  ],
  [`${SERVER}.port`, ({ names, value }) => invalidServer(names, "port", value)],
  [`${SERVER}.protocol`, ({ names, value }) => invalidServer(names, "protocol", value)],
  ["environments.*.machines.*.attributes.memoryLimitBytes", (subject) => illegalMemory(subject, "memoryLimitBytes")],
  [
    "environments.*.machines.*.attributes.memoryRequestBytes",
    (subject) => illegalMemory(subject, "memoryRequestBytes"),
  ],
  [
    "environments.*.machines.*.volumes.*",
    ({ names: [, machine, volume], message }) =>
      message === volumeName.message ? `Volume name '${volume}' in machine '${machine}' is invalid` : undefined,
  ],
  [
    "environments.*.machines.*.volumes.*.path",
    ({ names: [, machine, volume], value }) =>
      value === ""
        ? `Path of volume '${volume}' in machine '${machine}' is invalid. It should not be empty`
        : undefined,
  ],
  [
    "attributes.*",
    ({ names: [attribute], message }) =>
      message === attributeName.message ? `Attribute name '${attribute}' is not valid` : undefined,
  ],
  ["commands.*.name", ({ workspace }) => `Workspace ${workspace} contains command with null or empty name`],
  [
    "commands.*.commandLine",
    ({ sibling, workspace }) => `Command line required for command '${sibling("name")}' in workspace '${workspace}'`,
  ],
];

function invalidServer([, machine, server]: readonly string[], what: string, value: unknown): string {
  return `Machine '${machine}' in environment contains server conf '${server}' with invalid ${what} '${shown(value)}'`;
}

function illegalMemory({ names: [, machine], value, message }: Subject, attribute: string): string {
  return message.startsWith("must not be more")
    ? `Machine '${machine}' in environment contains inconsistent memory attributes: ${message}`
    : `Value '${shown(value)}' of attribute '${attribute}' in machine '${machine}' is illegal`;
}

function hasPlugins(attributes: unknown): boolean {
  return ["plugins", "editor"].some((key) => Boolean(valueAt(attributes, [key])));
}

function hasInstallers(environments: unknown): boolean {
  const machines = Object.values(environments ?? {}).flatMap((one) => Object.values(valueAt(one, ["machines"]) ?? {}));
  return machines.some((machine) => {
    const installers = valueAt(machine, ["installers"]);
    return Array.isArray(installers) && installers.length > 0;
  });
}

function matches(pattern: readonly string[], keys: readonly PropertyKey[]): boolean {
  return pattern.length === keys.length && pattern.every((part, index) => part === "*" || part === keys[index]);
}

function valueAt(value: unknown, [key, ...rest]: readonly PropertyKey[]): unknown {
  if (key === undefined) return value;
  return value instanceof Object && Object.hasOwn(value, key) ? valueAt(Reflect.get(value, key), rest) : undefined;
}

/** A value within a message: short, and on one line. */
function shown(value: unknown): string {
  return String(value instanceof Object ? JSON.stringify(value) : (value ?? "null"))
    .slice(0, 100)
    .replace(/\p{Cc}/gu, " ");
}
