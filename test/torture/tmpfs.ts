/** A small disk of its own for a test: one that can be filled, or made read-only. Needs root. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why no disk can be made here; `null` if one can. */
export const noTmpfs: string | null = (() => {
  if (process.platform !== "linux") return "only Linux has a tmpfs";
  try {
    withTmpfs(1, () => {});
    return null;
  } catch {
    return "only root may mount a disk";
  }
})();

/** Mounts a disk of so many MiB for as long as `work` takes. */
export function withTmpfs<Result>(mebibytes: number, work: (path: string) => Result): Result {
  const path = mkdtempSync(join(tmpdir(), "troupe-tmpfs-"));
  const clear = (): void => {
    execFileSync("umount", ["--lazy", path]); // those who still use it may finish
    rmSync(path, { recursive: true });
  };
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path], { stdio: "pipe" });
  } catch (error) {
    rmSync(path, { recursive: true });
    throw error;
  }
  let result: Result;
  try {
    result = work(path);
  } catch (error) {
    clear();
    throw error;
  }
  if (result instanceof Promise) return result.finally(clear) as Result;
  clear();
  return result;
}

export function makeReadOnly(path: string): void {
  execFileSync("mount", ["-o", "remount,ro", path]);
}
