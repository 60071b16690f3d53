/** Which process a number means: a pid alone may be somebody else's by now. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readProc } from "./read-proc.ts";

export interface ProcessIdentity {
  readonly pid: number;
  /** Of the system: no process outlives it. */
  readonly boot: string;
  /** When the process started; comparable only for equality. */
  readonly start: string;
}

/** Reads what the shim writes: `PID BOOT START`. */
export function parseIdentity(text: string): ProcessIdentity | null {
  const [, pid, boot, start] = /^(\d+) (\S+) (\S.*)$/.exec(text) ?? [];
  return pid === undefined || boot === undefined || start === undefined
    ? null
    : { pid: Number(pid), boot, start: start.trimEnd() };
}

/** Whether that very process runs. A zombie does not. Throws where that cannot be seen: see {@link readProc}. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identity.boot === bootId() && startOf(identity.pid) === identity.start;
}

/**
 * Signals that very process, or with `group` the process group that it leads. Nothing comes between the look and
 * the signal but the kernel.
 *
 * @returns whether there was anything to signal.
 */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals, target: "process" | "group"): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(target === "group" ? -identity.pid : identity.pid, signal);
  } catch {
    return false; // ended just now, leads no group (yet), or has become another user's
  }
}

let boot: string | undefined;

export function bootId(): string {
  boot ??=
    process.platform === "linux"
      ? readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
      : execFileSync("sysctl", ["-n", "kern.bootsessionuuid"], { encoding: "utf8" }).trim();
  return boot;
}

function startOf(pid: number): string | null {
  return process.platform === "linux" ? startFromProc(pid) : startFromPs(pid);
}

function startFromProc(pid: number): string | null {
  const stat = readProc(pid, "stat", "latin1");
  return stat === null ? null : liveStart(parseStat(stat));
}

export interface ProcStat {
  readonly state: string;
  readonly group: number;
  readonly session: number;
  readonly start: string;
}

/** The fields of `/proc/PID/stat` (proc(5)) that tell processes apart. The second one, the name, may hold anything. */
export function parseStat(stat: string): ProcStat {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "X", group: Number(fields[2]), session: Number(fields[3]), start: fields[19] ?? "" };
}

function liveStart({ state, start }: ProcStat): string | null {
  return state === "Z" || state === "X" ? null : start;
}

function startFromPs(pid: number): string | null {
  try {
    const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
    const [, state, start] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
    return state === undefined || start === undefined || state.startsWith("Z") ? null : start;
  } catch (error) {
    if (typeof (error as { status?: unknown }).status !== "number") throw error; // it did not run, so it said nothing
    return null;
  }
}
