import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { installerSchema } from "../environment/config-schema.ts";
import { check } from "../environment/problems.ts";
import { readYaml } from "../environment/yaml-text.ts";
import { type Problem, TroupeError, validationError } from "../errors.ts";
import type { InstallerDefinition } from "../model/config.ts";

/** A definition by itself, or the one in a folder of an installer. */
const DEFINITION = /\.(ya?ml|json)$/;
const FOLDER_DEFINITION = /^installer\.(ya?ml|json)$/;

/** A script that is a file beside the definition: one line, `./install.sh`. */
const SCRIPT_FILE = /^\.\/[^\n]+$/;

/**
 * Reads the installers in a directory, in the order of their file names: each is a YAML or JSON file, or a folder with
 * `installer.yaml` (or `.json`). A `script` that is `./NAME` is read from that file beside the definition.
 *
 * @throws {TroupeError} `CONFIG_INVALID` with every problem of every file; its paths begin with the file's.
 */
export async function loadInstallers(directory: string): Promise<InstallerDefinition[]> {
  const problems: Problem[] = [];
  const definitions: InstallerDefinition[] = [];
  // One after the other: there are few, and the order is the answer's.
  for (const file of await definitionFiles(directory)) {
    const loaded = await loadDefinition(file);
    if ("definition" in loaded) definitions.push(loaded.definition);
    else problems.push(...loaded.problems.map((one) => inFile(relative(directory, file), one)));
  }
  if (problems.length > 0) throw validationError(`the installers in "${directory}"`, problems);
  return definitions;
}

async function definitionFiles(directory: string): Promise<string[]> {
  const files: string[] = [];
  try {
    for (const path of await pathsIn(directory)) {
      // Follows links: mounted configuration is often made of them.
      const kind = await stat(path);
      if (kind.isFile() && DEFINITION.test(path)) files.push(path);
      if (!kind.isDirectory()) continue;
      files.push(...(await pathsIn(path)).filter((inner) => FOLDER_DEFINITION.test(basename(inner))));
    }
  } catch (cause) {
    throw new TroupeError("CONFIG_INVALID", `Cannot read installers from "${directory}": ${reasonOf(cause)}`, {
      cause,
    });
  }
  return files;
}

/** What a directory shows, sorted. */
async function pathsIn(directory: string): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith("."));
  return names.toSorted().map((name) => join(directory, name));
}

type Loaded = { readonly definition: InstallerDefinition } | { readonly problems: readonly Problem[] };

async function loadDefinition(file: string): Promise<Loaded> {
  try {
    const { data, problems } = readYaml(await readFile(file, "utf8"), `installer "${file}"`);
    if (problems.length > 0) return { problems };
    const checked = check(installerSchema, data, "");
    if (!("value" in checked)) return checked;
    return { definition: { ...checked.value, script: await scriptOf(checked.value.script, file) } };
  } catch (error) {
    return { problems: [{ path: "", message: reasonOf(error) }] };
  }
}

async function scriptOf(script: string, file: string): Promise<string> {
  return SCRIPT_FILE.test(script.trim()) ? readFile(join(dirname(file), script.trim()), "utf8") : script;
}

function inFile(file: string, { path, message }: Problem): Problem {
  return { path: path === "" ? file : `${file}: ${path}`, message };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
