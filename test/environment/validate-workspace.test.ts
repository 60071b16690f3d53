import { describe, expect, test } from "vitest";
import { recipeRegistry } from "../../src/environment/recipes.ts";
import { validateWorkspace } from "../../src/environment/validate-workspace.ts";
import { TroupeError } from "../../src/errors.ts";
import { installerRegistry } from "../../src/installers/registry.ts";

const registries = { recipes: recipeRegistry(), installers: installerRegistry([]) };

function pathsOf(input: unknown): string[] {
  try {
    validateWorkspace(input, registries);
  } catch (error) {
    if (error instanceof TroupeError && error.code === "CONFIG_INVALID") return error.problems.map(({ path }) => path);
    throw error;
  }
  return [];
}

const content = {
  machines: { a: { command: "a", dependsOn: ["b"] }, b: { command: "b", dependsOn: ["a", "x"] }, idle: {} },
};
const script = { id: "tools", version: "one", script: "x" };

describe("validateWorkspace", () => {
  test("gives the config and the warnings of its environments", () => {
    const environment = { recipe: { type: "process", content: "web: run" } };

    expect(validateWorkspace({ name: "one", environment }, registries)).toMatchObject({
      config: { name: "one", defaultEnv: "default" },
      warnings: [],
    });
  });

  test("names problems of form and of sense in one answer", () => {
    const machines = {
      a: { servers: { http: { port: 70_000 }, ws: { port: 80 } }, graceMs: "x", extra: 1 },
      b: { servers: { http: { port: 80 } }, env: { A: null } },
      idle: { installers: [script, "none"] },
    };

    expect(pathsOf({ name: "a b", environment: { recipe: { type: "process", content }, machines } })).toEqual([
      "name",
      "environment.machines.a.servers.http.port",
      "environment.machines.a.graceMs",
      "environment.machines.a.extra",
      "environment.machines.b.env.A",
      "environment.machines.idle.installers.0.version",
      "environment.machines.idle.installers.1",
      "environment.recipe.content.machines.b.dependsOn.x",
      "environment.recipe.content.machines.a.dependsOn.b",
      "environment.machines.b.servers.http.port",
    ]);
  });

  test("judges every environment of a Che config, each at its path", () => {
    const environments = {
      dev: { recipe: { type: "process", content: "web: run" } },
      ci: { recipe: { type: "process", content: "web run" } },
      old: { recipe: { type: "compose" }, machines: { "bad name": {} } },
    };

    expect(pathsOf({ name: "ab", defaultEnv: "dev", environments })).toEqual([
      "environments.old.machines.bad name",
      "name",
      "environments.ci.recipe.content",
      "environments.old.recipe.type",
    ]);
  });

  test.each<[what: string, input: unknown, paths: string[]]>([
    ["nothing", null, [""]],
    ["no environment", { name: "one" }, ["environment"]],
    ["no recipe", { name: "one", environment: {} }, ["environment.recipe"]],
    ["a default environment that is not there", { name: "one", defaultEnv: "x", environments: {} }, ["defaultEnv"]],
  ])("says only what is wrong with %s", (_, input, paths) => {
    expect(pathsOf(input)).toEqual(paths);
  });

  test("tells nothing that is wrong only because something else is", () => {
    const machines = {
      a: {
        installers: [
          { ...script, servers: { s: { port: 0 } } },
          { ...script, version: "1.0.0", id: "user", dependencies: ["tools"] },
        ],
      },
    };

    expect(
      pathsOf({
        name: "one",
        environment: { recipe: { type: "process", content: { machines: { a: {} } } }, machines },
      }),
    ).toEqual(["environment.machines.a.installers.0.version", "environment.machines.a.installers.0.servers.s.port"]);
  });
});
