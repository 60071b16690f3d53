import { describe, expect, test } from "vitest";
import { processRecipe } from "../../src/environment/process-recipe.ts";
import type { RecipeConfig } from "../../src/model/config.ts";

const path = "environment.recipe";

function parse(recipe: Omit<RecipeConfig, "type">) {
  return processRecipe.parse({ type: "process", ...recipe }, { path, machines: {} });
}

function commandsOf(recipe: Omit<RecipeConfig, "type">) {
  const { machines, problems } = parse(recipe);
  return { problems, commands: Object.fromEntries(Object.entries(machines).map(([name, one]) => [name, one.command])) };
}

describe("processRecipe", () => {
  test("gives text to a shell, and runs a list as it is", () => {
    const { machines, problems } = parse({
      content: {
        machines: {
          b: { command: "echo $A && sleep 1", workingDir: "src", env: { A: 1 }, dependsOn: { a: "completed" } },
          a: { command: ["echo", "$A", ""] },
        },
      },
    });

    expect(problems).toEqual([]);
    expect(Object.entries(machines)).toEqual([
      [
        "b",
        {
          path: `${path}.content.machines.b`,
          command: ["/bin/sh", "-c", "echo $A && sleep 1"],
          workingDir: "src",
          env: { A: "1" },
          dependsOn: { a: "completed" },
        },
      ],
      [
        "a",
        { path: `${path}.content.machines.a`, command: ["echo", "$A", ""], workingDir: null, env: {}, dependsOn: {} },
      ],
    ]);
  });

  const web = { problems: [], commands: { web: ["/bin/sh", "-c", "run --port $PORT"] } };
  const both = { problems: [], commands: { ...web.commands, "a-b": ["/bin/sh", "-c", "x: y"] } };

  test.each<[what: string, recipe: Omit<RecipeConfig, "type">, expected: unknown]>([
    ["YAML text", { content: "machines:\n  web:\n    command: run --port $PORT\n" }, web],
    ["YAML text on one line", { content: "machines: { web: { command: run --port $PORT } }" }, web],
    [
      "YAML by content type",
      { content: "machines: { web: { command: run --port $PORT } }", contentType: "text/x-yaml" },
      web,
    ],
    ["JSON text", { content: '{"machines":{"web":{"command":"run --port $PORT"}}}' }, web],
    [
      "JSON by content type",
      { content: '{"machines":{"web":{"command":"run --port $PORT"}}}', contentType: "application/json" },
      web,
    ],
    ["a Procfile", { content: "# all\n\nweb: run --port $PORT  \r\na-b:\tx: y\n" }, both],
    [
      "a Procfile by content type",
      { content: "web: run --port $PORT\na-b: x: y", contentType: "text/x-procfile" },
      both,
    ],
  ])("reads %s", (_, recipe, expected) => {
    expect(commandsOf(recipe)).toEqual(expected);
  });

  test.each<[what: string, recipe: Omit<RecipeConfig, "type">, ...problems: [path: string, message: string][]]>([
    ["no content", {}, ["content", "is required"]],
    [
      "content elsewhere",
      { location: "https://example.org/recipe" },
      ["location", 'is not read for a recipe of type "process"'],
      ["content", "is required"],
    ],
    ["a list", { content: [] }, ["content", "must be a map, not a list"]],
    ["no machines", { content: { machines: {} } }, ["content.machines", "must have at least one machine"]],
    [
      "another kind of text",
      { content: "FROM debian", contentType: "text/x-dockerfile" },
      ["contentType", "must be one of application/yaml"],
    ],
    ["text that is no map", { content: "just words" }, ["content", "must be a map, not text"]],
    ["YAML that is wrong, with its place", { content: "machines:\n  web: [" }, ["content", "line 2, column "]],
    [
      "a machine that is there twice",
      { content: "machines:\n  web: {command: a}\n  web: {command: b}\n" },
      ["content.machines.web", "line 3, column 3: is there twice"],
    ],
    ["a process that is there twice", { content: "web: a\nweb: b" }, ["content.machines.web", "is there twice"]],
    [
      "a line that is no process",
      { content: "web: a\nwhat", contentType: "text/x-procfile" },
      ["content", 'line 2: must be "name: command"'],
    ],
    [
      "a machine's bad name",
      { content: { machines: { "../x": { command: "a" } } } },
      ["content.machines.../x", "must be 1 to 100 letters"],
    ],
    [
      "a machine without command and installers",
      { content: { machines: { a: {} } } },
      ["content.machines.a.command", "is required for a machine without installers"],
    ],
    [
      "an empty command",
      { content: { machines: { a: { command: " " }, b: { command: [] }, c: { command: [""] } } } },
      ["content.machines.a.command", "must not be empty"],
      ["content.machines.b.command", "must have at least 1 entries"],
      ["content.machines.c.command", "must begin with a program"],
    ],
    [
      "a command with NUL",
      { content: { machines: { a: { command: ["a\0"] }, b: { command: "a\0" } } } },
      ["content.machines.a.command.0", "must not contain NUL"],
      ["content.machines.b.command", "must not contain NUL"],
    ],
    [
      "a command that is a map",
      { content: { machines: { a: { command: {} } } } },
      ["content.machines.a.command", "must be a command line, or a list"],
    ],
    [
      "a misspelt key",
      { content: { machines: { a: { comand: "a" } } } },
      ["content.machines.a.comand", 'did you mean "command"?'],
    ],
    [
      "a key beside the machines",
      { content: { machines: { a: { command: "a" } }, services: {} } },
      ["content.services", "is not known here"],
    ],
  ])("refuses %s", (_, recipe, ...problems) => {
    expect(parse(recipe).problems).toEqual(
      problems.map(([at, message]) => ({ path: `${path}.${at}`, message: expect.stringContaining(message) })),
    );
  });
});
