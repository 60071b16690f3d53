/** What a machine's processes find in its own directory. */
import { mkdir, symlink } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize } from "node:path";
import { TroupeError } from "../../errors.ts";
import type { MachineSpec } from "../../model/environment.ts";
import type { MachineFile } from "../spi.ts";
import { safeFileName } from "./file-name.ts";
import { makeDirectory, replaceFile } from "./files.ts";
import { hasCode } from "./record.ts";

/** Makes the machine's directory: its volumes linked by name (and at their path, if that is relative), its working directory. */
export async function makeMachineFiles(
  directory: string,
  machine: MachineSpec,
  volumeDirectory: (name: string) => string,
): Promise<void> {
  await makeDirectory(directory);
  for (const [name, { path }] of Object.entries(machine.volumes)) {
    const inside = path === null ? null : insidePath(path);
    for (const link of new Set([linkName(name), inside ?? linkName(name)])) {
      await linkTo(volumeDirectory(name), join(directory, link));
    }
  }
  const { workingDir } = machine;
  if (workingDir !== null && !isAbsolute(workingDir)) await mkdir(join(directory, workingDir), { recursive: true });
}

/** @throws {TroupeError} `REQUEST_INVALID` for a path that leads out of the directory; nothing is written then. */
export async function putFiles(directory: string, files: readonly MachineFile[]): Promise<void> {
  const targets = files.map((file) => ({ ...file, target: join(directory, insideOrRefuse(file.path)) }));
  for (const { target, content, mode } of targets) {
    await mkdir(dirname(target), { recursive: true });
    await replaceFile(target, content, mode ?? 0o644);
  }
}

function linkName(volume: string): string {
  return /^\w[\w.-]*$/.test(volume) ? volume : safeFileName(volume);
}

/** The path without detours, or `null` if it is absolute, leads out, or is the directory itself. */
function insidePath(path: string): string | null {
  const plain = normalize(path).replace(/\/+$/, "");
  return isAbsolute(plain) || plain === "." || plain === ".." || plain.startsWith("../") ? null : plain;
}

function insideOrRefuse(path: string): string {
  const inside = insidePath(path);
  if (inside !== null && path !== "") return inside;
  const message = `"${path}" is not a path inside the machine's directory`;
  throw new TroupeError("REQUEST_INVALID", `Cannot put a file into the machine: ${message}`, {
    problems: [{ path: "files", message }],
  });
}

async function linkTo(target: string, link: string): Promise<void> {
  await mkdir(dirname(link), { recursive: true });
  await symlink(target, link).catch((error: unknown) => {
    if (!hasCode(error, "EEXIST")) throw error;
  });
}
