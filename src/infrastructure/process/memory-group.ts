/** Memory limits for whole trees of processes: Linux control groups, where this process may make them. */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { exists } from "./files.ts";
import { pause } from "./pause.ts";
import { hasCode, isAbsent } from "./record.ts";

const MOUNT = "/sys/fs/cgroup";

/**
 * Where a memory group of this name can be made: below this process's own group, so that limits set on the
 * supervisor hold for its machines too. `null` where the system allows no group, or lets it have no limit.
 */
export async function memoryGroupPath(name: string): Promise<string | null> {
  for (const parent of await candidates()) {
    if (await allowsLimits(parent)) return join(parent, name);
  }
  return null;
}

/** Makes the group, or finds it, and limits it. */
export async function makeMemoryGroup(path: string, limitBytes: number): Promise<void> {
  await mkdir(path).catch(unless("EEXIST"));
  if (await exists(join(path, "memory.max"))) {
    await writeFile(join(path, "memory.max"), String(limitBytes));
    await writeFile(join(path, "memory.swap.max"), "0").catch(unless("ENOENT"));
  } else {
    await writeFile(join(path, "memory.limit_in_bytes"), String(limitBytes));
    // Memory and swap together; absent where swap is not counted.
    await writeFile(join(path, "memory.memsw.limit_in_bytes"), String(limitBytes)).catch(unless("ENOENT", "EACCES"));
  }
}

/** Whether the kernel has killed something in the group because it was over its limit. */
export async function wasOutOfMemory(path: string): Promise<boolean> {
  for (const file of ["memory.events", "memory.oom_control"]) {
    const text = await readFile(join(path, file), "utf8").catch(() => "");
    if (Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0) > 0) return true;
  }
  return false;
}

/** Ends everything in the group at once. What is in it is ours for certain. */
export async function killMemoryGroup(path: string): Promise<void> {
  const pids = await readFile(join(path, "cgroup.procs"), "utf8").catch(() => "");
  for (const pid of pids.split("\n").filter((line) => line !== "")) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // Ended just now.
    }
  }
}

/** Removes an empty group. The kernel may need a moment after the last process has gone. */
export async function removeMemoryGroup(path: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await rmdir(path);
    } catch (error) {
      if (isAbsent(error)) return;
      if (!hasCode(error, "EBUSY") || attempt === 20) throw error;
      await pause(10, signal);
    }
  }
}

/** Groups below which ours may be, likeliest first: version 1, then version 2 (there a group with processes may have no groups with limits, hence the parent). */
async function candidates(): Promise<readonly string[]> {
  const own = await readFile("/proc/self/cgroup", "utf8").catch(() => "");
  const [, first] = /^\d+:memory:(.*)$/m.exec(own) ?? [];
  const [, second] = /^0::(.*)$/m.exec(own) ?? [];
  const found: string[] = [];
  if (first !== undefined) found.push(join(MOUNT, "memory", first));
  if (second !== undefined) found.push(join(MOUNT, second));
  if (second !== undefined && second !== "/") found.push(dirname(join(MOUNT, second)));
  return found;
}

/** Tried with a group of our own, because no file says it for certain. */
async function allowsLimits(parent: string): Promise<boolean> {
  const trial = join(parent, `troupe-trial-${randomUUID()}`);
  try {
    await mkdir(trial);
  } catch {
    return false;
  }
  try {
    return (await exists(join(trial, "memory.max"))) || (await exists(join(trial, "memory.limit_in_bytes")));
  } finally {
    await rmdir(trial).catch(unless("EBUSY", "ENOENT"));
  }
}

/** For names of groups: what `safeFileName` makes, prefixed, so that people know whose they are. */
export function memoryGroupName(instanceDirectory: string, machineDirectory: string): string {
  return `troupe-${basename(instanceDirectory)}-${basename(machineDirectory)}`;
}

function unless(...codes: readonly string[]): (error: unknown) => void {
  return (error) => {
    if (!hasCode(error, ...codes)) throw error;
  };
}
