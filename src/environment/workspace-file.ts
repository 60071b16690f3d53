import { validationError } from "../errors.ts";
import { readYaml } from "./yaml-text.ts";

/**
 * Reads the text of a workspace file, YAML 1.2 or JSON, into plain data for `parseConfig`.
 *
 * @throws {TroupeError} `CONFIG_INVALID` with line and column, or the path of a key that is there twice or is not
 * allowed; `PAYLOAD_TOO_LARGE` for more than 1 MiB.
 */
export function parseWorkspaceFile(text: string, options: { readonly file?: string } = {}): unknown {
  const what = options.file === undefined ? "the workspace file" : `workspace file "${options.file}"`;
  const { data, problems } = readYaml(text, what);
  if (problems.length > 0) throw validationError(what, problems);
  return data;
}
