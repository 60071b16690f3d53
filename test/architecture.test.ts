import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

const root = new URL("..", import.meta.url).pathname;

/** What most places speak in. */
const words = ["machines", "src/errors.ts", "src/model"];
const spis = ["src/infrastructure/spi.ts", "src/journal/spi.ts"];
/** The contract of the supervisor, not the supervisor. */
const api = "src/supervisor/api.ts";

/**
 * Whom each place may import besides itself; what is not listed is forbidden.
 *
 * A place is a folder or a file. A file is at the longest that fits.
 */
const mayImport: Record<string, readonly string[]> = {
  machines: [],
  "src/errors.ts": [],
  "src/model": ["machines"],
  "src/infrastructure/spi.ts": words,
  "src/infrastructure/process": [...words, "src/infrastructure/spi.ts", "src/servers/url.ts", "src/telemetry/log.ts"],
  "src/infrastructure/simulated": [...words, "src/infrastructure/spi.ts", "src/servers/url.ts", api],
  "src/journal/spi.ts": [...words, "src/infrastructure/spi.ts"],
  "src/journal": [...words, "src/infrastructure/spi.ts"],
  "src/installers": [...words, "src/environment"],
  "src/environment": [...words, "src/installers"],
  "src/servers": [...words, "src/infrastructure/spi.ts", api],
  "src/telemetry": words,
  "src/channels/records.ts": words,
  "src/channels": [...words, ...spis, api, "src/telemetry"],
  "src/supervisor": [
    ...words,
    ...spis,
    "src/channels",
    "src/environment",
    "src/installers",
    "src/servers",
    "src/telemetry",
    "src/version.ts",
  ],
  "src/protocols/native": [...words, ...spis, api, "src/channels", "src/environment", "src/telemetry"],
  "src/client": [...words, ...spis, api, "src/channels/records.ts"],
  "src/testing": [
    ...words,
    ...spis,
    "src/infrastructure",
    "src/channels",
    "src/environment",
    "src/supervisor",
    "src/telemetry",
  ],
  "src/version.ts": [],
  "src/config.ts": words,
  "src/cli": ["machines", "src"],
  "src/index.ts": ["machines", "src"],
};

/** Where each package is imported: in one place, or in the few that share it for the reason given. */
const packagePlaces: Record<string, readonly string[]> = {
  "@fastify/swagger": ["src/protocols"],
  commander: ["src/cli"],
  "fast-check": ["src/testing"],
  fastify: ["src/protocols"],
  "fastify-type-provider-zod": ["src/protocols"],
  libsql: ["src/journal"],
  "p-queue": ["src/supervisor"],
  pino: ["src/telemetry"],
  "prom-client": ["src/telemetry"],
  semver: ["src/environment", "src/installers"], // where versions are checked, and where they are compared
  superjson: ["src/journal"],
  vitest: ["src/testing"],
  ws: ["src/channels", "src/client"], // both ends of the wire
  xstate: ["machines", "src/supervisor", "src/testing"], // the charts, what runs them, and what draws them
  yaml: ["src/environment"],
  zod: ["src/environment", "src/protocols", "src/testing"], // what comes in from outside
};

const files = ["machines", "src"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file)),
);
const imports = files.flatMap(importsOf);
const local = imports
  .filter(({ specifier }) => specifier.startsWith("."))
  .map(({ from, specifier, isType }) => ({ from, to: join(dirname(from), specifier), isType }));

function importsOf(from: string) {
  const text = readFileSync(join(root, from), "utf8");
  const statements = text.matchAll(
    /^(?:import|export)\s(type\s)?(?:[^"';]*?\sfrom\s)?"([^"]+)"|\bimport\("([^"]+)"\)/gm,
  );
  return [...statements].map(([, type, named, dynamic]) => ({
    from,
    specifier: named ?? dynamic ?? "",
    isType: type !== undefined,
  }));
}

const isIn = (file: string, place: string) => file === place || file.startsWith(`${place}/`);

function placeOf(file: string): string | undefined {
  const places = Object.keys(mayImport).filter((place) => isIn(file, place));
  return places.sort((a, b) => b.length - a.length)[0];
}

describe("the house", () => {
  test("has a place for every file", () => {
    expect(files.filter((file) => placeOf(file) === undefined)).toEqual([]);
  });

  test("lets each place import only what it may", () => {
    const trespasses = local.filter(({ from, to }) => {
      const place = placeOf(from) ?? "";
      return ![place, ...(mayImport[place] ?? [])].some((allowed) => isIn(to, allowed));
    });

    expect(trespasses.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("lets each package in at its own place alone", () => {
    const trespasses = imports.filter(({ from, specifier }) => {
      if (specifier.startsWith(".") || specifier.startsWith("node:")) return false;
      const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
      return !packagePlaces[name]?.some((place) => isIn(from, place));
    });

    expect(trespasses.map(({ from, specifier }) => `${from} imports ${specifier}`)).toEqual([]);
  });

  test("has no file that loads itself, whatever way round", () => {
    expect(cycles()).toEqual([]);
  });
});

/** Of what is loaded: types alone may refer to each other. */
function cycles(): string[] {
  const loads = local.filter(({ isType }) => !isType);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" → "));
    if (start >= 0 || done.has(file)) return;
    for (const { to } of loads.filter(({ from }) => from === file)) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}
