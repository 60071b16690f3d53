/** Whether a machine's command can be run, before anything is started. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { TroupeError } from "../../errors.ts";

export interface ProgramRequest {
  readonly machine: string;
  readonly command: readonly string[];
  /** Where it will run: an absolute path. */
  readonly workingDir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** @throws {TroupeError} `COMMAND_NOT_FOUND` if the program is not there or may not be executed, or the directory cannot be used. */
export async function checkProgram(request: ProgramRequest): Promise<void> {
  const { machine, workingDir, command } = request;
  if (!(await isDirectory(workingDir))) {
    throw notFound(machine, "workingDir", `there is no directory "${workingDir}" that can be used`);
  }
  const program = command[0] ?? "";
  if (program.includes("/")) {
    if (await isExecutable(resolve(workingDir, program))) return;
    throw notFound(machine, "command", `"${program}" is not an executable file`);
  }
  for (const directory of (request.env["PATH"] ?? "").split(":")) {
    if (program !== "" && (await isExecutable(join(resolve(workingDir, directory), program)))) return;
  }
  throw notFound(machine, "command", `"${program}" is not an executable file in PATH`);
}

/** Whether the program can only be looked for once the machine's own directory is there. */
export function isInMachineDirectory(command: readonly string[], workingDir: string | null): boolean {
  const program = command[0] ?? "";
  return !isAbsolute(program) && program.includes("/") && (workingDir === null || !isAbsolute(workingDir));
}

function notFound(machine: string, field: "command" | "workingDir", message: string): TroupeError {
  return new TroupeError("COMMAND_NOT_FOUND", `Cannot run machine "${machine}": ${message}`, {
    details: { machine },
    problems: [{ path: `environment.recipe.content.machines.${machine}.${field}`, message }],
  });
}

async function isDirectory(path: string): Promise<boolean> {
  return (await isKind(path, "directory")) && (await mayExecute(path));
}

async function isExecutable(path: string): Promise<boolean> {
  return (await isKind(path, "file")) && (await mayExecute(path));
}

async function isKind(path: string, kind: "directory" | "file"): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && (kind === "file" ? found.isFile() : found.isDirectory());
}

async function mayExecute(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
