/** What really runs on this system, read from `/proc`: nobody's word is taken for it. */
import { readdirSync, readFileSync } from "node:fs";

export interface Process {
  readonly pid: number;
  /** Joined by blanks. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Every process that has `NAME=value` in its environment; zombies left out. */
export function processesWith(name: string, value: string): Process[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => processAt(Number(pid)) ?? [])
    .filter(({ env }) => env[name] === value);
}

/** The process of that number; `null` for one that has ended, or that may not be looked at. */
export function processAt(pid: number): Process | null {
  try {
    if (/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"))) return null;
    const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return {
      pid,
      command: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim(),
      env: Object.fromEntries(variables.map((variable) => variable.split(/=(.*)/s).slice(0, 2))),
    };
  } catch {
    return null; // it ended while it was read
  }
}

/** A figure of `/proc/PID/status` in bytes: `VmRSS`, what it has in memory; `VmHWM`, the most that it ever had. */
export function memoryOf(pid: number, figure: "VmRSS" | "VmHWM"): number {
  const [, kilobytes] =
    new RegExp(`^${figure}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1024;
}

export function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}
