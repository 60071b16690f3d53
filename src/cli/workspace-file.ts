import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { anchorWorkingDirs } from "../environment/anchor.ts";
import { parseWorkspaceFile } from "../environment/workspace-file.ts";
import { TroupeError, validationError } from "../errors.ts";

/**
 * Reads a workspace file; relative working directories in it start at its folder.
 *
 * @throws {TroupeError} `NOT_FOUND` if it cannot be read; `CONFIG_INVALID` if it is no YAML, with line and column.
 */
export async function readWorkspaceFile(path: string): Promise<object> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === "ENOENT" ? "there is no such file" : cause.message;
    throw new TroupeError("NOT_FOUND", `Cannot read "${path}": ${reason}`, { cause });
  });
  const config = anchorWorkingDirs(parseWorkspaceFile(text, { file: path }), dirname(resolve(path)));
  if (typeof config !== "object" || config === null) {
    throw validationError(`"${path}"`, [{ path: "", message: "it must be a map with a name and an environment" }]);
  }
  return config;
}
