/** The recipe type `process`: machines that are groups of operating-system processes. */
import { z } from "zod";
import { type Problem, TroupeError } from "../errors.ts";
import type { RecipeConfig } from "../model/config.ts";
import { dependencies, filledText, text, variables } from "./config-schema.ts";
import { machineName, named } from "./names.ts";
import { check, strict } from "./problems.ts";
import { isProcfile, parseProcfile } from "./procfile.ts";
import type { ParsedRecipe, RecipeContext, RecipeFactory, RecipeMachine } from "./recipes.ts";
import { readYaml } from "./yaml-text.ts";

const PROCFILE = "text/x-procfile";
const DOCUMENTS = ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "application/json"];

const machine = strict({
  command: z
    .union(
      [
        filledText.transform((line) => ["/bin/sh", "-c", line]),
        z
          .array(text)
          .min(1)
          .refine(([program]) => program !== "", { error: "must begin with a program" }),
      ],
      { error: "must be a command line, or a list of a program and its arguments" },
    )
    .nullable()
    .default(null),
  workingDir: filledText.nullable().default(null),
  env: variables.default({}),
  dependsOn: dependencies.default({}),
});

const content = strict({ machines: named(machineName, machine) });

type Read = { readonly value: z.output<typeof content> } | { readonly problems: readonly Problem[] };

/**
 * Content is `{ machines: { NAME: { command?, workingDir?, env?, dependsOn? } } }`, as an object or as YAML or JSON
 * text, or a Procfile.
 *
 * A command that is text is run by `/bin/sh -c`; a list is run as it is. A machine without a command needs installers.
 */
export const processRecipe: RecipeFactory = {
  type: "process",
  sharesPorts: true,

  parse(recipe, context) {
    const path = `${context.path}.content`;
    const location = locationProblems(recipe, context);
    const read = readContent(recipe, context);
    if (!("value" in read)) return { machines: {}, problems: [...location, ...read.problems], warnings: [] };
    const machines = Object.entries(read.value.machines).map(([name, described]): [string, RecipeMachine] => [
      name,
      { ...described, path: `${path}.machines.${name}` },
    ]);
    const empty =
      machines.length === 0 ? [{ path: `${path}.machines`, message: "must have at least one machine" }] : [];
    const problems = [...location, ...empty, ...machines.flatMap(([name, one]) => idleProblems(name, one, context))];
    return { machines: Object.fromEntries(machines), problems, warnings: [] } satisfies ParsedRecipe;
  },
};

function locationProblems({ location }: RecipeConfig, { path }: RecipeContext): Problem[] {
  if (location === undefined) return [];
  return [{ path: `${path}.location`, message: 'is not read for a recipe of type "process": give its "content"' }];
}

function idleProblems(name: string, { command, path }: RecipeMachine, { machines }: RecipeContext): Problem[] {
  const installers = Object.hasOwn(machines, name) ? machines[name]?.installers : undefined;
  if (command !== null || (installers !== undefined && installers.length > 0)) return [];
  return [{ path: `${path}.command`, message: "is required for a machine without installers" }];
}

function readContent(recipe: RecipeConfig, context: RecipeContext): Read {
  const path = `${context.path}.content`;
  if (typeof recipe.content !== "string") return check(content, recipe.content, path);
  const { contentType = isProcfile(recipe.content) ? PROCFILE : DOCUMENTS[0] } = recipe;
  if (contentType === PROCFILE) return readProcfile(recipe.content, path);
  if (contentType !== undefined && !DOCUMENTS.includes(contentType)) {
    const known = [...DOCUMENTS, PROCFILE].join(", ");
    return { problems: [{ path: `${context.path}.contentType`, message: `must be one of ${known}` }] };
  }
  return readDocument(recipe.content, path);
}

function readDocument(source: string, path: string): Read {
  try {
    const { data, problems } = readYaml(source, "the recipe");
    if (problems.length === 0) return check(content, data, path);
    return { problems: problems.map((one) => ({ ...one, path: one.path === "" ? path : `${path}.${one.path}` })) };
  } catch (error) {
    if (error instanceof TroupeError) return { problems: [{ path, message: error.message }] };
    throw error;
  }
}

function readProcfile(source: string, path: string): Read {
  const { commands, strayLines } = parseProcfile(source);
  const names = commands.map(([name]) => name);
  const problems = [
    ...strayLines.map((line) => ({ path, message: `line ${line}: must be "name: command"` })),
    ...names
      .filter((name, index) => names.indexOf(name) < index)
      .map((name) => ({ path: `${path}.machines.${name}`, message: "is there twice" })),
  ];
  if (problems.length > 0) return { problems };
  return check(content, { machines: Object.fromEntries(commands.map(([name, command]) => [name, { command }])) }, path);
}
