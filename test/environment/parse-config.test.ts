import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/environment/parse-config.ts";
import { parseWorkspaceFile } from "../../src/environment/workspace-file.ts";
import { type Problem, TroupeError } from "../../src/errors.ts";

const counter = `
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
`;

const shop = {
  name: "shop",
  defaultEnv: "default",
  environments: {
    default: {
      recipe: {
        type: "compose",
        contentType: "text/yaml",
        content:
          "services:\n  web:\n    image: node:18\n    depends_on: [db]\n    mem_limit: 512m\n  db:\n    image: postgres:15\n",
      },
      machines: {
        web: {
          installers: ["org.example.dev-agent"],
          env: { MODE: "dev" },
          servers: { app: { port: "3000", protocol: "http", path: "/ui", attributes: {} } },
          attributes: { memoryLimitBytes: "1073741824" },
          volumes: { npmcache: { path: "/home/user/.npm" } },
        },
        db: {
          installers: [],
          env: {},
          attributes: {},
          volumes: {},
          servers: { pg: { port: "5432/tcp", protocol: "tcp", attributes: { internal: "true" } } },
        },
      },
    },
  },
  commands: [{ name: "run", commandLine: "npm start", type: "custom", attributes: { goal: "Run" } }],
  projects: [],
  attributes: {},
  links: [],
};

/** A workspace file that is valid but for what is given. */
function fileWith(machine: object = {}, rest: object = {}) {
  const recipe = { type: "process", content: { machines: { web: { command: "true" } } } };
  return { name: "one", environment: { recipe, machines: { web: machine } }, ...rest };
}

/** A Che config that is valid but for what is given. */
function cheWith(machine: object = {}, rest: object = {}) {
  const recipe = { type: "compose", content: "x" };
  return { name: "one", defaultEnv: "dev", environments: { dev: { recipe, machines: { web: machine } } }, ...rest };
}

function problemsOf(input: unknown): readonly Problem[] {
  try {
    parseConfig(input);
  } catch (error) {
    if (error instanceof TroupeError && error.code === "CONFIG_INVALID") return error.problems;
    throw error;
  }
  return [];
}

function pathsOf(input: unknown): string[] {
  return problemsOf(input)
    .map(({ path }) => path)
    .toSorted();
}

describe("parseConfig", () => {
  test("stores a workspace file as one environment called default", () => {
    const config = parseConfig(parseWorkspaceFile(counter));

    expect(config).toMatchObject({
      name: "counter",
      defaultEnv: "default",
      attributes: {},
      commands: [],
      projects: [],
    });
    expect(config.environments["default"]?.machines).toEqual({
      web: {
        installers: [],
        servers: { http: { port: "auto", protocol: "http", path: "/", attributes: {} } },
        env: {},
        attributes: {},
        volumes: {},
        dependsOn: {},
      },
    });
  });

  test("keeps a Che config as it is, but for its links and with the defaults filled in", () => {
    const { links: _, ...kept } = shop;

    expect(parseConfig(shop)).toMatchObject(kept);
    expect(parseConfig(shop)).not.toHaveProperty("links");
  });

  test("takes numbers and booleans in env and attributes as the text that was written", () => {
    const config = parseConfig(fileWith({ env: { PORT: 8080, DEBUG: true } }, { attributes: { team: 7 } }));

    expect(config.attributes).toEqual({ team: "7" });
    expect(config.environments["default"]?.machines["web"]?.env).toEqual({ PORT: "8080", DEBUG: "true" });
  });

  test("reads a list of dependencies as machines that must have started", () => {
    const config = parseConfig(fileWith({ dependsOn: ["db", "cache"] }));

    expect(config.environments["default"]?.machines["web"]?.dependsOn).toEqual({ db: "started", cache: "started" });
  });

  const server = (port: unknown) => ({ servers: { http: { port } } });

  test.each([8080, 1, 65_535, "1", "8080", "8080/tcp", "8125/udp", "65535/tcp", "auto"])("accepts port %j", (port) => {
    expect(problemsOf(fileWith(server(port)))).toEqual([]);
  });

  test.each([
    0,
    -1,
    70_000,
    65_536,
    80.5,
    "0",
    "65536",
    "70000/tcp",
    "abc",
    "",
    "80/sctp",
    "08",
    " 80",
    "80\n",
    true,
    [[]],
  ])("refuses port %j", (port) => {
    expect(problemsOf(fileWith(server(port)))).toEqual([
      {
        path: "environment.machines.web.servers.http.port",
        message: 'must be a port from 1 to 65535, "8080/tcp", "8125/udp" or "auto"',
      },
    ]);
  });

  const probe = (readiness: object) => ({ servers: { http: { port: 80, readiness } } });

  test.each<[what: string, input: unknown, ...paths: string[]]>([
    ["nothing", undefined, ""],
    ["a list", [], ""],
    ["text", "name: x", ""],
    ["a map without anything", {}, "environment", "name"],
    ["a name with ..", fileWith({}, { name: "a..b" }), "name"],
    ["a name with a newline", fileWith({}, { name: "a\n" }), "name"],
    ["a name of 101 characters", fileWith({}, { name: "a".repeat(101) }), "name"],
    ["a name that is a number", fileWith({}, { name: 7 }), "name"],
    ["an unknown key", fileWith({}, { enviroment: {} }), "enviroment"],
    ["both shapes at once", fileWith({}, { environments: {} }), "environments"],
    ["a recipe without type", { name: "x", environment: { recipe: {} } }, "environment.recipe.type"],
    [
      "an unknown policy",
      { ...fileWith(), environment: { ...fileWith().environment, onFailure: "x" } },
      "environment.onFailure",
    ],
    ["a server without port", fileWith({ servers: { http: {} } }), "environment.machines.web.servers.http.port"],
    [
      "a misspelt key",
      fileWith({ servers: { http: { port: 80, protcol: "http" } } }),
      "environment.machines.web.servers.http.protcol",
    ],
    [
      "a protocol that is none",
      fileWith({ servers: { http: { port: 80, protocol: "HTTP!" } } }),
      "environment.machines.web.servers.http.protocol",
    ],
    [
      "a server name with a newline",
      fileWith({ servers: { "a\nb": { port: 80 } } }),
      "environment.machines.web.servers.a\nb",
    ],
    ["a server name with ..", fileWith({ servers: { "../x": { port: 80 } } }), "environment.machines.web.servers.../x"],
    [
      "a probe that never ends",
      fileWith(probe({ timeoutMs: 1e12 })),
      "environment.machines.web.servers.http.readiness.timeoutMs",
    ],
    [
      "a probe without time",
      fileWith(probe({ budgetMs: 0 })),
      "environment.machines.web.servers.http.readiness.budgetMs",
    ],
    [
      "a status that is none",
      fileWith(probe({ expectedStatus: 99 })),
      "environment.machines.web.servers.http.readiness.expectedStatus",
    ],
    [
      "statuses backwards",
      fileWith(probe({ expectedStatus: "399-200" })),
      "environment.machines.web.servers.http.readiness.expectedStatus",
    ],
    ["a variable with NUL", fileWith({ env: { A: "\0" } }), "environment.machines.web.env.A"],
    ["a variable that is empty", fileWith({ env: { A: null } }), "environment.machines.web.env.A"],
    ["a variable name with =", fileWith({ env: { "A=B": "x" } }), "environment.machines.web.env.A=B"],
    ["a volume name in capitals", fileWith({ volumes: { Data: {} } }), "environment.machines.web.volumes.Data"],
    [
      "a volume outside",
      fileWith({ volumes: { data: { path: "a/../../b" } } }),
      "environment.machines.web.volumes.data.path",
    ],
    ["a condition that is none", fileWith({ dependsOn: { db: "ready" } }), "environment.machines.web.dependsOn.db"],
    ["dependencies as text", fileWith({ dependsOn: "db" }), "environment.machines.web.dependsOn"],
    [
      "a memory limit without number",
      fileWith({ attributes: { memoryLimit: "much" } }),
      "environment.machines.web.attributes.memoryLimit",
    ],
    [
      "no memory",
      fileWith({ attributes: { memoryLimitBytes: "0" } }),
      "environment.machines.web.attributes.memoryLimitBytes",
    ],
    [
      "more memory than the limit",
      fileWith({ attributes: { memoryLimit: "1k", memoryRequestBytes: 1025 } }),
      "environment.machines.web.attributes.memoryRequestBytes",
    ],
    ["a negative grace", fileWith({ graceMs: -1 }), "environment.machines.web.graceMs"],
    [
      "a restart policy that is none",
      fileWith({ restart: { policy: "always" } }),
      "environment.machines.web.restart.policy",
    ],
    ["an installer that is a number", fileWith({ installers: ["a", 7] }), "environment.machines.web.installers.1"],
    [
      "an installer without script",
      fileWith({ installers: [{ id: "a", version: "1.0.0" }] }),
      "environment.machines.web.installers.0.script",
    ],
    [
      "an installer of version v1",
      fileWith({ installers: [{ id: "a", version: "v1", script: "x" }] }),
      "environment.machines.web.installers.0.version",
    ],
    [
      "an installer's variables without =",
      fileWith({ installers: [{ id: "a", version: "1.0.0", script: "x", properties: { environment: "A" } }] }),
      "environment.machines.web.installers.0.properties.environment",
    ],
    [
      "a machine called ../x",
      { name: "x", environment: { recipe: { type: "process" }, machines: { "../x": {} } } },
      "environment.machines.../x",
    ],
    [
      "a machine called __proto__",
      JSON.parse('{"name":"x","environment":{"recipe":{"type":"process"},"machines":{"__proto__":{}}}}'),
      "environment.machines.__proto__",
    ],
    ["a machine called toString", fileWith({ env: { toString: "x" } }), "environment.machines.web.env.toString"],
    ["a function", fileWith({ env: { A: () => 1 } }), "environment.machines.web.env.A"],
    ["an endless number", fileWith({ graceMs: Number.POSITIVE_INFINITY }), "environment.machines.web.graceMs"],
    ["a date", fileWith({}, { description: new Date(0) }), "description"],
  ])("refuses %s", (_, input, ...paths) => {
    expect(pathsOf(input)).toEqual(paths);
  });

  test("names every problem at once, and a bad name does not hide what is below it", () => {
    const machines = {
      "bad name": { servers: { http: { port: 0 }, ws: { port: "abc", paht: "/" } } },
      web: { env: [] },
    };

    expect(pathsOf({ name: "", environment: { recipe: { typ: "process" }, machines } })).toEqual([
      "environment.machines.bad name",
      "environment.machines.bad name.servers.http.port",
      "environment.machines.bad name.servers.ws.paht",
      "environment.machines.bad name.servers.ws.port",
      "environment.machines.web.env",
      "environment.recipe.typ",
      "environment.recipe.type",
      "name",
    ]);
  });

  test("asks whether a known key was meant", () => {
    expect(problemsOf(fileWith({ server: {} }))).toEqual([
      { path: "environment.machines.web.server", message: 'is not known here; did you mean "servers"?' },
    ]);
    expect(problemsOf(fileWith({ restart: { xyz: 1 } }))).toEqual([
      {
        path: "environment.machines.web.restart.xyz",
        message: "is not known here; known: policy, maxRestarts, withinMs, backoffMs",
      },
    ]);
  });

  test("says what was there instead of what is wanted", () => {
    expect(problemsOf(fileWith({ env: [] }))[0]?.message).toBe("must be a map, not a list");
    expect(problemsOf(fileWith({ graceMs: "1s" }))[0]?.message).toBe("must be a number, not text");
    expect(problemsOf(fileWith({ servers: null }))[0]?.message).toBe("must be a map, not empty");
  });

  test("names the workspace and the first problem in the error's sentence", () => {
    expect(() => parseConfig(fileWith({ graceMs: -1, env: 1 }))).toThrow(
      'Cannot use the config of workspace "one": environment.machines.web.env: must be a map, not 1 (and 1 more)',
    );
  });

  test.each<[what: string, input: unknown, path: string, message: string]>([
    ["name is missing", cheWith({}, { name: undefined }), "name", "Workspace name required"],
    [
      "name is short",
      cheWith({}, { name: "ab" }),
      "name",
      "Incorrect workspace name, it must be between 3 and 100 characters",
    ],
    [
      "default environment is not named",
      cheWith({}, { defaultEnv: undefined }),
      "defaultEnv",
      "Workspace default environment name required",
    ],
    [
      "default environment is not there",
      cheWith({}, { defaultEnv: "x" }),
      "defaultEnv",
      "Workspace default environment configuration required",
    ],
    [
      "environments are missing",
      { name: "one", defaultEnv: "dev" },
      "environments",
      "Workspace must contain at least one environment",
    ],
    [
      "environment is null",
      { name: "one", defaultEnv: "dev", environments: { dev: null } },
      "environments.dev",
      "Environment must not be null",
    ],
    [
      "recipe is missing",
      { name: "one", defaultEnv: "dev", environments: { dev: {} } },
      "environments.dev.recipe",
      "Environment recipe must not be null",
    ],
    [
      "recipe has no type",
      { name: "one", defaultEnv: "dev", environments: { dev: { recipe: {} } } },
      "environments.dev.recipe.type",
      "Environment recipe type must not be null",
    ],
    [
      "port is none",
      cheWith(server("70000")),
      "environments.dev.machines.web.servers.http.port",
      "Machine 'web' in environment contains server conf 'http' with invalid port '70000'",
    ],
    [
      "memory is none",
      cheWith({ attributes: { memoryLimitBytes: "1g" } }),
      "environments.dev.machines.web.attributes.memoryLimitBytes",
      "Value '1g' of attribute 'memoryLimitBytes' in machine 'web' is illegal",
    ],
    [
      "volume has a wrong name",
      cheWith({ volumes: { A: { path: "/a" } } }),
      "environments.dev.machines.web.volumes.A",
      "Volume name 'A' in machine 'web' is invalid",
    ],
    [
      "volume has no path",
      cheWith({ volumes: { ab: { path: "" } } }),
      "environments.dev.machines.web.volumes.ab.path",
      "Path of volume 'ab' in machine 'web' is invalid. It should not be empty",
    ],
    [
      "attribute begins with codenvy",
      cheWith({}, { attributes: { Codenvy_x: "1" } }),
      "attributes.Codenvy_x",
      "Attribute name 'Codenvy_x' is not valid",
    ],
    [
      "command has no line",
      cheWith({}, { commands: [{ name: "run" }] }),
      "commands.0.commandLine",
      "Command line required for command 'run' in workspace 'one'",
    ],
    [
      "has plugins and installers",
      cheWith({ installers: ["a"] }, { attributes: { plugins: "x" } }),
      "attributes",
      "Workspace config cannot have both plugins and installers.",
    ],
  ])("answers in Che's words when a Che config's %s", (_, input, path, message) => {
    expect(problemsOf(input)).toEqual([{ path, message: expect.stringContaining(message) }]);
  });

  property.prop([
    fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true, maxDepth: 4 }),
  ])("throws nothing but CONFIG_INVALID with problems, whatever it is given", (input) => {
    expect(problemsOf(input).length).toBeGreaterThan(0);
  });

  test("refuses cycles, very deep and very large data, and getters that throw", () => {
    const cycle: Record<string, unknown> = {};
    cycle["content"] = cycle;
    const trap = {
      get name(): string {
        throw new Error("no");
      },
    };
    let wide: unknown = "x";
    for (let level = 0; level < 40; level++) wide = [wide, wide];

    for (const content of [cycle, trap, wide]) {
      expect(problemsOf({ name: "x", environment: { recipe: { type: "process", content } } })).toHaveLength(1);
    }
  });

  const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{0,8}$/).filter((text) => !(text in Object.prototype));
  const map = <T>(value: fc.Arbitrary<T>) => fc.dictionary(word, value, { maxKeys: 3, noNullPrototype: true });
  const workspaceFile = fc.record(
    {
      name: word,
      description: fc.string().filter((text) => !text.includes("\0")),
      attributes: map(word).filter((attributes) => !Object.keys(attributes).some((key) => /^codenvy/i.test(key))),
      environment: fc.record({
        recipe: fc
          .record({ type: word, content: fc.jsonValue({ maxDepth: 2 }) }, { requiredKeys: ["type"] })
          .filter(isPlain),
        machines: map(
          fc.record(
            {
              installers: fc.array(word, { maxLength: 3 }),
              servers: map(fc.record({ port: fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constant("auto")) })),
              env: map(fc.oneof(word, fc.integer(), fc.boolean())),
              dependsOn: fc.oneof(
                map(fc.constantFrom("started", "healthy", "completed")),
                fc.array(word, { maxLength: 2 }),
              ),
              graceMs: fc.integer({ min: 0, max: 10_000 }),
              restart: fc.record({ maxRestarts: fc.nat(10) }, { requiredKeys: [] }),
            },
            { requiredKeys: [] },
          ),
        ),
      }),
    },
    { requiredKeys: ["name", "environment"] },
  );

  property.prop([workspaceFile])("what was stored parses to itself", (file) => {
    const stored = parseConfig(file);

    expect(parseConfig(stored)).toEqual(stored);
    expect(parseConfig(JSON.parse(JSON.stringify(stored)))).toEqual(stored);
  });
});

/** Without keys that every object has, which are refused. */
function isPlain(value: unknown): boolean {
  return !/"(__\w+__|constructor|prototype|toString|valueOf|hasOwnProperty|isPrototypeOf|propertyIsEnumerable|toLocaleString)":/.test(
    JSON.stringify(value),
  );
}
