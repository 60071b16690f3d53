/** One process under a shim: begun at most once, found again by whoever looks at its place. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { join } from "node:path";
import type { Exit } from "../../../machines/failure.ts";
import { TroupeError } from "../../errors.ts";
import { DirectoryWatch } from "./directory-watch.ts";
import { makeDirectory, removeFile } from "./files.ts";
import { isAlive, type ProcessIdentity, parseIdentity } from "./identity.ts";
import type { ProcessPlace } from "./layout.ts";
import { wasOutOfMemory } from "./memory-group.ts";
import { endOfOutput } from "./output-files.ts";
import { growing, pause, poll } from "./pause.ts";
import { readRecord, recordedAt, writeRecord } from "./record.ts";
import type { OutputBounds } from "./shim.ts";

export interface Launch {
  readonly shim: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly bounds: OutputBounds;
  readonly memoryGroup: string | null;
}

export type ProcessState =
  /** `failed`: a shim began and was ended before the command ran. */
  | { readonly state: "absent" | "starting" | "failed" }
  | { readonly state: "running"; readonly identity: ProcessIdentity }
  | { readonly state: "ended" };

/** Who works at a place: `null` for what is not known (yet). */
export interface Workers {
  readonly shim: ProcessIdentity | null;
  readonly command: ProcessIdentity | null;
}

/** How long a shim may take to record the exit of its command before nobody is taken to have seen it. */
const EXIT_RECORD_MS = 1_000;

/** After an exit: how long the last output may take to reach its file, so that whoever is told finds it there. */
const LAST_OUTPUT_MS = 250;

/** The text of an exit record for an end that nobody saw. */
const UNSEEN = "?";

/**
 * Begins the process (`what`, in messages) unless it was begun before, and resolves once it runs or has ended.
 *
 * @throws {TroupeError} `MACHINE_FAILED` if it cannot be begun.
 */
export async function begin(
  place: ProcessPlace,
  what: string,
  launch: () => Promise<Launch>,
  signal: AbortSignal,
): Promise<void> {
  const state = await clearFailed(place);
  const shim = state === "absent" ? await spawnShim(place, what, await launch(), signal) : null;
  await poll(() => hasBegun(place, what, shim), { fromMs: 1, toMs: 25 }, signal);
}

/**
 * What is there, once the lock of a shim that failed is out of the way. No other lock is touched: a shim that
 * somebody else began may be a moment behind.
 */
async function clearFailed(place: ProcessPlace): Promise<ProcessState["state"]> {
  const { state } = await look(place);
  if (state !== "failed") return state;
  await removeFile(join(place.directory, "exit"));
  await removeFile(join(place.directory, "lock"));
  return "absent";
}

async function hasBegun(place: ProcessPlace, what: string, shim: ChildProcess | null): Promise<true | null> {
  // Before the look: a shim that ends has recorded whatever there is to record.
  const hasShimEnded = shim !== null && (shim.exitCode !== null || shim.signalCode !== null);
  const { state } = await look(place);
  if (state === "running" || state === "ended") return true;
  if (state === "failed" || (state === "absent" && (hasShimEnded || shim === null))) {
    throw new TroupeError("MACHINE_FAILED", `Cannot run ${what}: its shim ended before the command ran`);
  }
  return null;
}

async function spawnShim(
  place: ProcessPlace,
  what: string,
  launch: Launch,
  signal: AbortSignal,
): Promise<ChildProcess> {
  await makeDirectory(place.directory);
  await makeDirectory(place.output);
  const { fileBytes, files, readBytes, reads } = launch.bounds;
  const bounds = [await endOfOutput(place.output), fileBytes, files, readBytes, reads].map(String);
  signal.throwIfAborted();
  const shim = spawn(
    "/bin/sh",
    [launch.shim, place.directory, place.output, ...bounds, launch.memoryGroup ?? "", ...launch.command],
    { cwd: launch.workingDir, env: launch.env, detached: true, stdio: "ignore" },
  );
  shim.unref();
  try {
    await once(shim, "spawn");
  } catch (cause) {
    throw new TroupeError("MACHINE_FAILED", `Cannot run ${what}: ${(cause as Error).message}`, { cause });
  }
  return shim;
}

/** What is there now. An end that nobody saw is settled here, within a second. */
export async function look(place: ProcessPlace): Promise<ProcessState> {
  const { shim, command } = await workers(place);
  if (shim === null) return { state: "absent" };
  if (command === null) {
    if (isAlive(shim)) return { state: "starting" };
    // Looked at again: the shim may have made the record and ended in between.
    if ((await workers(place)).command === null) return { state: "failed" };
    return look(place);
  }
  if (await hasExitRecord(place)) return { state: "ended" };
  if (isAlive(command)) return { state: "running", identity: command };
  await settleExit(place, shim);
  return { state: "ended" };
}

export async function workers({ directory }: ProcessPlace): Promise<Workers> {
  const shim = await readRecord(join(directory, "lock"));
  const command = shim === null ? null : await readRecord(join(directory, "process"));
  return {
    shim: shim === null ? null : parseIdentity(shim),
    command: command === null ? null : parseIdentity(command),
  };
}

/** Waits until the process has ended, in whatever way, and its last output can be read. */
export async function untilEnded(place: ProcessPlace, signal: AbortSignal): Promise<void> {
  const watch = new DirectoryWatch();
  try {
    watch.add(place.directory);
    for (let now = await look(place); isUnderWay(now); now = await look(place)) {
      await untilChanged(now, watch, signal);
    }
  } finally {
    watch.close();
  }
  await untilOutputIsWritten(place, signal);
}

function isUnderWay({ state }: ProcessState): boolean {
  return state === "running" || state === "starting";
}

/** While a process lives nothing else is looked at: there may be thousands. */
async function untilChanged(now: ProcessState, watch: DirectoryWatch, signal: AbortSignal): Promise<void> {
  for (const ms of growing(10, 250)) {
    await watch.wait(ms, signal);
    if (now.state !== "running" || !isAlive(now.identity)) return;
  }
}

async function untilOutputIsWritten(place: ProcessPlace, signal: AbortSignal): Promise<void> {
  const until = Date.now() + LAST_OUTPUT_MS;
  for (const ms of growing(1, 10)) {
    if (Date.now() >= until || (await isOutputComplete(place))) return;
    await pause(ms, signal);
  }
}

/** Whether nothing more will be written to the process's output. */
export async function isOutputComplete(place: ProcessPlace): Promise<boolean> {
  const { shim } = await workers(place);
  return shim === null || !isAlive(shim);
}

/** How the process ended. `null` if it has not, or its place is gone. */
export async function exitOf(place: ProcessPlace, memoryGroup: string | null): Promise<Exit | null> {
  const record = join(place.directory, "exit");
  const [text, at] = [await readRecord(record), await recordedAt(record)];
  if (text === null || at === null) return null;
  const ending = endingOf(text);
  const oomKilled = ending.signal === "SIGKILL" && memoryGroup !== null && (await wasOutOfMemory(memoryGroup));
  return { ...ending, oomKilled, at };
}

/** A shell tells a signal as 128 + its number, so it cannot be told from a command that chose such a code. */
function endingOf(text: string): Pick<Exit, "code" | "signal"> {
  if (text === UNSEEN) return { code: null, signal: null };
  const code = Number(text);
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === code - 128) ?? [];
  return signal === undefined ? { code, signal: null } : { code: null, signal };
}

async function settleExit(place: ProcessPlace, shim: ProcessIdentity): Promise<void> {
  const until = Date.now() + EXIT_RECORD_MS;
  for (const ms of growing(1, 20)) {
    const canStillCome = isAlive(shim) && Date.now() < until;
    if (await hasExitRecord(place)) return;
    if (!canStillCome) break;
    await pause(ms, NEVER);
  }
  // Recorded, so that everybody is told the same time. Fails where the place has gone meanwhile.
  await writeRecord(join(place.directory, "exit"), UNSEEN).catch(() => false);
}

async function hasExitRecord(place: ProcessPlace): Promise<boolean> {
  return (await readRecord(join(place.directory, "exit"))) !== null;
}

/** For waits that are short and bounded by themselves. */
const NEVER = new AbortController().signal;
