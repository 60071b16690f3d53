/**
 * Takes secrets out of what leaves the server to be looked at by others. Pure.
 *
 * The rule, which `src/protocols/native/README.md` tells users:
 *
 * - every value of a variable (`env`) goes; what programs are told (arguments, scripts, a recipe's content, an installer's
 *   properties, Che's commands and projects) goes as a whole, since nobody can tell what of it is secret;
 * - every attribute goes whose name says that it is secret;
 * - in all other text (messages, last lines, URLs) go: the values of those variables and attributes, word for word; the
 *   user, the password and all values after `?` or `#` of a URL; whatever follows `Bearer`, or a name that says that it is secret.
 *
 * What replay finds its way by (ids, names, states, codes) stays as it is.
 */
import { REMOVED } from "../model/incident.ts";

/** Shorter values are words that stand everywhere: `true`, `8080`, `dev`. */
const SHORTEST_SECRET = 6;

const secretName = /secret|token|passw|credential|api[-_.]?key|private[-_.]?key|access[-_.]?key|auth(?!or)/i;

// Repetitions are bounded: a line may be very long, and no part of it is read more often than that.
const urlUser = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/)[^/?#@\s"'<>]+@/gi;
const urlValue = /([?&#;][\w.~%-]+=)[^&#;\s"'<>]+/g;
const bearer = /\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi;
const assignment =
  /((?:^|[^\w])["']?[\w.-]{0,60}(?:secret|token|passw|credential|api[-_.]?key|private[-_.]?key|access[-_.]?key)[\w.-]{0,60}["']?\s{0,3}[=:]\s{0,3})("[^"]*"|'[^']*'|[^\s"',;]+)/gi;

/** Whose entries have names that users chose: they are no fields of ours, whatever they are called. */
const records = new Set(["machines", "servers", "volumes", "environments", "attributes"]);

/** Identifiers, and words of ours. */
const kept = new Set(
  `format version troupe id name owner source from to cause status state code class workspaceId instanceId nextInstanceId
   infrastructure environment installers recipeType type transport protocol dependsOn dependencies defaultEnv onFailure policy restart
   outcome by signal priority`.split(/\s+/),
);

const removals: Readonly<Record<string, (value: unknown) => unknown>> = {
  env: (value) => (isRecord(value) ? Object.fromEntries(Object.keys(value).map((name) => [name, REMOVED])) : REMOVED),
  command: (value) => (Array.isArray(value) && value.length > 1 ? [value[0], REMOVED] : value),
  script: () => REMOVED,
  content: () => REMOVED,
  properties: () => ({}),
  commands: () => [],
  projects: () => [],
};

/** A copy without secrets. */
export type Scrub = <Value>(value: Value) => Value;

/** What takes the secrets that stand in `documents` (configs, environments, attributes) out of anything. */
export function scrubber(documents: readonly unknown[]): Scrub {
  const secrets = [...new Set(documents.flatMap((document) => secretsIn(document, null)))]
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length); // the longest first: one may hold another
  const words = secrets.length === 0 ? null : new RegExp(secrets.map(literal).join("|"), "g");

  const cleaned = (text: string): string =>
    (words === null ? text : text.replace(words, REMOVED))
      .replace(urlUser, `$1${REMOVED}@`)
      .replace(urlValue, `$1${REMOVED}`)
      .replace(bearer, `$1 ${REMOVED}`)
      .replace(assignment, `$1${REMOVED}`);

  /** @param field what the value is called; `null` if users chose the name */
  const walk = (value: unknown, field: string | null): unknown => {
    if (typeof value === "string") return field !== null && kept.has(field) ? value : cleaned(value);
    if (Array.isArray(value)) return field === "servers" ? value : value.map((item) => walk(item, field));
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, entry(key, inner, field)]));
  };

  const entry = (key: string, value: unknown, parent: string | null): unknown => {
    if (parent === "attributes" && secretName.test(key)) return REMOVED;
    if (parent === "dependsOn") return value;
    if (parent !== null && records.has(parent)) return walk(value, null);
    return (removals[key] ?? ((inner) => walk(inner, key)))(value);
  };

  return <Value>(value: Value) => walk(value, "") as Value;
}

/** Values that must not be told, wherever they turn up. */
function secretsIn(value: unknown, field: string | null): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => secretsIn(item, field));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (field !== null && records.has(field)) {
      if (field === "attributes" && secretName.test(key) && typeof inner === "string") return [inner];
      return secretsIn(inner, null);
    }
    return key === "env" ? textsIn(inner) : secretsIn(inner, key);
  });
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
