import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { type ConfigShape, parseConfig } from "../../src/environment/parse-config.ts";
import { type RecipeFactory, recipeRegistry } from "../../src/environment/recipes.ts";
import { resolveEnvironment } from "../../src/environment/resolve-environment.ts";
import { parseWorkspaceFile } from "../../src/environment/workspace-file.ts";
import { type Problem, TroupeError } from "../../src/errors.ts";
import { installerRegistry } from "../../src/installers/registry.ts";
import type { InstallerDefinition } from "../../src/model/config.ts";
import type { Environment } from "../../src/model/environment.ts";

interface Parts {
  /** Of the recipe's content. */
  readonly recipe?: object;
  /** Of the workspace's own config. */
  readonly machines?: object;
  readonly installers?: readonly InstallerDefinition[];
}

function resolve({ recipe = { web: { command: "true" } }, machines = {}, installers = [] }: Parts): Environment {
  const environment = { recipe: { type: "process", content: { machines: recipe } }, machines };
  const registries = { recipes: recipeRegistry(), installers: installerRegistry(installers) };
  return resolveEnvironment(parseConfig({ name: "one", environment }), undefined, registries);
}

function problemsIn(work: () => unknown): readonly Problem[] {
  try {
    work();
  } catch (error) {
    if (error instanceof TroupeError && error.code === "CONFIG_INVALID") return error.problems;
    throw error;
  }
  return [];
}

function problemsOf(parts: Parts): readonly Problem[] {
  return problemsIn(() => resolve(parts));
}

const tools = { id: "tools", version: "1.2.0", script: "install tools" };

describe("resolveEnvironment", () => {
  test("resolves the counter example as it stands", () => {
    const config = parseConfig(
      parseWorkspaceFile(`
name: counter
environment:
  recipe:
    type: process
    content:
      machines:
        ticker: { command: "i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done" }
        web: { command: ["python3", "-m", "http.server", "$PORT"], dependsOn: { ticker: started } }
  machines:
    web:
      servers:
        http: { port: auto, protocol: http, path: / }
`),
    );

    const registries = { recipes: recipeRegistry(), installers: installerRegistry([]) };
    const environment = resolveEnvironment(config, undefined, registries);

    const probe = { type: "http", path: "/", expectedStatus: { from: 200, to: 399 } };
    const restart = { restart: "transient", maxRestarts: 3, withinMs: 60_000, backoffMs: 250, maxBackoffMs: 10_000 };
    const defaults = { workingDir: null, env: {}, installers: [], volumes: {}, memoryLimitBytes: null, attributes: {} };
    expect(environment).toEqual({
      name: "default",
      recipeType: "process",
      strategy: { onFailure: "stop-workspace", maxRestarts: 3, withinMs: 60_000 },
      warnings: [],
      machines: {
        ticker: {
          ...defaults,
          name: "ticker",
          command: ["/bin/sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done"],
          dependsOn: {},
          servers: {},
          restart,
          graceMs: 10_000,
        },
        web: {
          ...defaults,
          name: "web",
          command: ["python3", "-m", "http.server", "$PORT"],
          dependsOn: { ticker: "started" },
          servers: {
            http: {
              name: "http",
              port: "auto",
              transport: "tcp",
              protocol: "http",
              path: "/",
              attributes: {},
              internal: false,
              readiness: { ...probe, periodMs: 1_000, timeoutMs: 3_000, successThreshold: 1, budgetMs: 180_000 },
              liveness: { ...probe, periodMs: 10_000, timeoutMs: 5_000, failureThreshold: 3, successThreshold: 1 },
            },
          },
          restart,
          graceMs: 10_000,
        },
      },
    });
    expect(JSON.parse(JSON.stringify(environment))).toEqual(environment);
  });

  const serverOf = (config: object) =>
    resolve({ machines: { web: { servers: { s: config } } } }).machines["web"]?.servers["s"];

  test.each<[config: object, expected: object]>([
    [
      { port: "8125/udp" },
      { port: 8125, transport: "udp", protocol: "udp", readiness: { type: "none" }, liveness: { type: "none" } },
    ],
    [
      { port: "auto", protocol: "udp" },
      { port: "auto", transport: "udp" },
    ],
    [
      { port: 5432 },
      { transport: "tcp", protocol: "tcp", path: "", readiness: { type: "tcp" }, liveness: { type: "tcp" } },
    ],
    [
      { port: 80, protocol: "ws", path: "live" },
      { path: "/live", readiness: { type: "tcp" } },
    ],
    [
      { port: 443, protocol: "https" },
      { path: "", readiness: { type: "http", path: "/" } },
    ],
    [
      { port: 80, protocol: "http", path: "/ui" },
      { readiness: { path: "/ui" }, liveness: { path: "/ui" } },
    ],
    [
      { port: 80, protocol: "http", readiness: { path: "healthz", expectedStatus: 204 } },
      {
        readiness: { path: "/healthz", expectedStatus: { from: 204, to: 204 } },
        liveness: { path: "/healthz", expectedStatus: { from: 204, to: 204 } },
      },
    ],
    [
      { port: 80, liveness: { type: "none", periodMs: 5 } },
      { liveness: { type: "none", periodMs: 5, timeoutMs: 5_000 }, readiness: { type: "tcp" } },
    ],
    [{ port: 80, attributes: { internal: "true" } }, { internal: true }],
    [{ port: 80, attributes: { internal: "yes" } }, { internal: false }],
  ])("makes of server %j what is meant", (config, expected) => {
    expect(serverOf(config)).toMatchObject(expected);
  });

  test("lays the workspace's config over the recipe's, and both over what installers bring", () => {
    const one = { ...tools, id: "one", properties: { environment: "A=one,B=one,C=one,D=x=y" } };
    const silent = { ...tools, id: "silent" };
    const two = { ...tools, id: "two", properties: { environment: { B: "two", E: "1,2" } } };
    const { machines } = resolve({
      recipe: {
        web: { command: ["run"], env: { C: "recipe", F: "recipe" }, dependsOn: ["db"] },
        db: { command: ["db"] },
      },
      machines: { web: { installers: ["one", "silent", "two"], env: { F: "user" }, dependsOn: { db: "healthy" } } },
      installers: [one, silent, two],
    });

    expect(machines["web"]?.env).toEqual({ A: "one", B: "two", C: "recipe", D: "x=y", E: "1,2", F: "user" });
    expect(machines["web"]?.dependsOn).toEqual({ db: "healthy" });
  });

  test("adds the servers of installers to the machine's, and tells which brings which", () => {
    const servers = { http: { port: 4411, attributes: {} } };
    const { machines } = resolve({
      machines: { web: { installers: [{ ...tools, servers }, "base"], servers: { http: { port: "4411/tcp" } } } },
      installers: [{ id: "base", version: "1.0.0", script: "x", timeoutMs: 5, name: "Base" }],
    });

    expect(Object.keys(machines["web"]?.servers ?? {})).toEqual(["http"]);
    expect(machines["web"]?.installers).toEqual([
      {
        id: "tools",
        version: "1.2.0",
        name: "tools",
        description: "",
        script: "install tools",
        servers: ["http"],
        timeoutMs: 120_000,
      },
      { id: "base", version: "1.0.0", name: "Base", description: "", script: "x", servers: [], timeoutMs: 5 },
    ]);
  });

  test("lets a machine without a command hold its installers' processes", () => {
    expect(
      resolve({ recipe: { web: {} }, machines: { web: { installers: [tools] } } }).machines["web"]?.command,
    ).toBeNull();
  });

  test.each<[attributes: object, bytes: number | null]>([
    [{}, null],
    [{ memoryLimitBytes: "1073741824" }, 1_073_741_824],
    [{ memoryLimitBytes: 1024 }, 1024],
    [{ memoryLimit: "512m" }, 536_870_912],
    [{ memoryLimit: "1.5 GiB" }, 1_610_612_736],
    [{ memoryLimit: "2kb" }, 2048],
    [{ memoryLimit: 1000 }, 1000],
  ])("reads the memory limit of %j", (attributes, bytes) => {
    expect(resolve({ machines: { web: { attributes } } }).machines["web"]?.memoryLimitBytes).toBe(bytes);
  });

  test("takes what the user says of restarts and time instead of the defaults", () => {
    const { machines } = resolve({
      machines: { web: { restart: { policy: "permanent", maxRestarts: 0, backoffMs: 30_000 }, graceMs: 0 } },
    });

    expect(machines["web"]?.restart).toEqual({
      restart: "permanent",
      maxRestarts: 0,
      withinMs: 60_000,
      backoffMs: 30_000,
      maxBackoffMs: 30_000,
    });
    expect(machines["web"]?.graceMs).toBe(0);
  });

  const a = { command: "a" };
  const two = { a, b: { command: "b" } };

  test.each<[what: string, parts: Parts, ...problems: [path: string, message: string][]]>([
    [
      "a machine that the recipe does not have",
      { machines: { wbe: {} } },
      ["environment.machines.wbe", 'is not a machine of the recipe; did you mean "web"?'],
    ],
    [
      "a dependency that is not there",
      { recipe: { a: { ...a, dependsOn: ["x"] } } },
      ["environment.recipe.content.machines.a.dependsOn.x", "is not a machine of the recipe"],
    ],
    [
      "a dependency that every object has",
      { recipe: { a: { ...a, dependsOn: ["toString"] } } },
      ["environment.recipe.content.machines.a.dependsOn.toString", "is not a machine of the recipe"],
    ],
    [
      "a dependency on itself",
      { recipe: { a: { ...a, dependsOn: ["a"] } } },
      ["environment.recipe.content.machines.a.dependsOn.a", "a → a"],
    ],
    [
      "a cycle",
      {
        recipe: {
          x: { ...a, dependsOn: ["a"] },
          a: { ...a, dependsOn: ["b"] },
          b: { ...a, dependsOn: ["c"] },
          c: { ...a, dependsOn: ["a"] },
        },
      },
      ["environment.recipe.content.machines.a.dependsOn.b", "a → b → c → a"],
    ],
    [
      "a cycle that the two configs make",
      { recipe: { ...two, a: { ...a, dependsOn: ["b"] } }, machines: { b: { dependsOn: ["a"] } } },
      ["environment.recipe.content.machines.a.dependsOn.b", "a → b → a"],
    ],
    [
      "the end of a machine that never ends",
      { recipe: two, machines: { a: { restart: { policy: "permanent" } }, b: { dependsOn: { a: "completed" } } } },
      ["environment.machines.b.dependsOn.a", "can never be completed"],
    ],
    [
      "one port for two machines",
      { recipe: two, machines: { a: { servers: { x: { port: 80 } } }, b: { servers: { y: { port: "80/tcp" } } } } },
      ["environment.machines.b.servers.y.port", 'port 80 is also wanted by server "x" of machine "a"'],
    ],
    [
      "an unknown installer",
      { machines: { web: { installers: ["none"] } } },
      ["environment.machines.web.installers.0", "No installer 'none' found of the latest version"],
    ],
    [
      "a server that an installer has otherwise",
      { machines: { web: { installers: [{ ...tools, servers: { s: { port: 80 } } }], servers: { s: { port: 81 } } } } },
      [
        "environment.machines.web.servers.s",
        "Installer 'tools' contains server 's' conflicting with machine configuration",
      ],
    ],
    [
      "a udp server that is to answer HTTP",
      { machines: { web: { servers: { s: { port: "80/udp", readiness: { type: "http" } } } } } },
      ["environment.machines.web.servers.s.readiness.type", 'must be "none"'],
    ],
    [
      "several at once",
      { recipe: { a: { ...a, dependsOn: ["x", "a"] } }, machines: { q: { installers: ["n"] } } },
      ["environment.machines.q.installers.0", ""],
      ["environment.machines.q", ""],
      ["environment.recipe.content.machines.a.dependsOn.x", ""],
      ["environment.recipe.content.machines.a.dependsOn.a", ""],
    ],
  ])("refuses %s", (_, parts, ...problems) => {
    expect(problemsOf(parts)).toEqual(
      problems.map(([path, message]) => ({ path, message: expect.stringContaining(message) })),
    );
  });

  test("lets machines share a port number for tcp and udp, and servers of one machine share a port", () => {
    expect(
      problemsOf({
        recipe: two,
        machines: { a: { servers: { x: { port: 80 }, y: { port: 80 } } }, b: { servers: { z: { port: "80/udp" } } } },
      }),
    ).toEqual([]);
  });

  const registries = { recipes: recipeRegistry(), installers: installerRegistry([]) };
  const che = parseConfig({
    name: "shop",
    defaultEnv: "dev",
    environments: {
      dev: { recipe: { type: "compose", content: "services: {}" }, machines: { web: { installers: ["x"] } } },
    },
  });

  test("refuses an unknown recipe type, lists the known ones, and judges the rest all the same", () => {
    expect(problemsIn(() => resolveEnvironment(che, undefined, registries))).toEqual([
      { path: "environments.dev.recipe.type", message: "is not known; known: process" },
      { path: "environments.dev.machines.web.installers.0", message: "No installer 'x' found of the latest version" },
    ]);
  });

  test("refuses an environment that is not there, also by a name that every object has", () => {
    expect(problemsIn(() => resolveEnvironment(che, "div", registries))).toEqual([
      { path: "", message: 'there is no such environment; did you mean "dev"?' },
    ]);
    expect(problemsIn(() => resolveEnvironment(che, "toString", registries))).toHaveLength(1);
  });

  test.each<[shape: ConfigShape | undefined, path: string]>([
    [undefined, "environment.recipe.type"],
    ["workspace-file", "environment.recipe.type"],
    ["che", "environments.default.recipe.type"],
  ])("puts problems where they are in shape %s", (shape, path) => {
    const config = parseConfig({ name: "one", environment: { recipe: { type: "x" } } });

    expect(problemsIn(() => resolveEnvironment(config, undefined, { ...registries, shape }))[0]?.path).toBe(path);
  });

  test("knows the recipe types that it is given", () => {
    const described = { path: "", command: ["x"], workingDir: null, env: {}, dependsOn: {} };
    const compose: RecipeFactory = {
      type: "compose",
      sharesPorts: false,
      parse: () => ({
        machines: { web: described, db: described },
        problems: [],
        warnings: [{ code: 1, message: "m" }],
      }),
    };
    const machines = { web: { servers: { s: { port: 80 } } }, db: { servers: { s: { port: 80 } } } };
    const config = parseConfig({ name: "one", environment: { recipe: { type: "compose" }, machines } });

    const environment = resolveEnvironment(config, "default", { ...registries, recipes: recipeRegistry([compose]) });

    expect(Object.keys(environment.machines)).toEqual(["web", "db"]);
    expect(environment.warnings).toEqual([{ code: 1, message: "m" }]);
  });

  /** Any dependencies among six machines, cycles and all. */
  const graph = fc.array(fc.uniqueArray(fc.nat(5), { maxLength: 3 }), { minLength: 6, maxLength: 6 });

  property.prop([graph])("accepts dependencies exactly if the machines can be started one after the other", (edges) => {
    const recipe = Object.fromEntries(
      edges.map((targets, index) => [`m${index}`, { ...a, dependsOn: targets.map((target) => `m${target}`) }]),
    );

    expect(problemsOf({ recipe }).length === 0).toBe(canStart(edges));
  });
});

function canStart(edges: readonly (readonly number[])[]): boolean {
  const started = new Set<number>();
  for (const _ of edges) {
    for (const [index, targets] of edges.entries())
      if (targets.every((target) => started.has(target))) started.add(index);
  }
  return started.size === edges.length;
}
