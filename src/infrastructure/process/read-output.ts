import { join } from "node:path";
import type { OutputCursor, OutputOptions, OutputRecord } from "../spi.ts";
import { DirectoryWatch } from "./directory-watch.ts";
import { exists, namesIn } from "./files.ts";
import type { InstancePlace, MachinePlace } from "./layout.ts";
import { endOfOutput, tailOfOutput } from "./output-files.ts";
import { OutputStream } from "./output-stream.ts";
import { readRecord } from "./record.ts";
import { isOutputComplete } from "./shimmed-process.ts";

/** How long new output may go unnoticed where directories cannot be watched. */
const LOOK_AGAIN_MS = 200;

/** A record in the output directory of an exec: its id. */
export const OUTPUT_NAME = "name";

interface Reading {
  readonly stream: OutputStream;
  /** Where reading stops: the end of the stream as it was, unless it is followed. */
  readonly end: number;
  /** Whether nothing more will be written to it. */
  isComplete(): Promise<boolean>;
}

/** Reads what a machine and its installers write. Streams take turns, so that none keeps the others waiting. */
export async function* readOutput(
  instance: InstancePlace,
  machine: string,
  cursor: OutputCursor,
  options: OutputOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputRecord> {
  const place = instance.machine(machine);
  const readings = new Map<string, Reading>();
  const watch = new DirectoryWatch();
  try {
    for (let round = 0; ; round += 1) {
      // Before the reading: what was written until the machine was removed is still read.
      const isLast = !options.follow || !(await exists(place.directory));
      if (options.follow) watch.add(instance.machines);
      for (const id of await streamIds(place, watch, options.follow)) {
        // Only streams that are there already have a tail to start at.
        const tail = round === 0 ? options.tail : undefined;
        if (!readings.has(id))
          readings.set(id, await openReading(place, machine, id, cursor[id], { ...options, tail }));
      }
      const hasRead = yield* readAll(readings.values(), signal);
      if (hasRead) continue;
      if (isLast) return;
      await watch.wait(LOOK_AGAIN_MS, signal);
    }
  } finally {
    watch.close();
  }
}

/** One turn for each stream. @returns whether there was anything. */
async function* readAll(readings: Iterable<Reading>, signal: AbortSignal): AsyncGenerator<OutputRecord, boolean> {
  let hasRead = false;
  for (const { stream, end, isComplete } of readings) {
    signal.throwIfAborted();
    const wasComplete = await isComplete(); // before the reading, so that nothing is written after it
    const records = await stream.read(end);
    if (records !== null) hasRead = true;
    yield* records ?? (wasComplete ? stream.flush() : []);
  }
  return hasRead;
}

/** Ids of the streams: `""` for the machine's command, then those of its installers. */
async function streamIds(place: MachinePlace, watch: DirectoryWatch, follow: boolean): Promise<readonly string[]> {
  const execs = join(place.output, "exec");
  const directories = (await namesIn(execs)).map((name) => join(execs, name));
  if (follow) for (const directory of [place.main.output, execs, ...directories]) watch.add(directory);
  const names = await Promise.all(directories.map((directory) => readRecord(join(directory, OUTPUT_NAME))));
  return ["", ...names.flatMap((name) => (name === null ? [] : [JSON.parse(name) as string]))];
}

async function openReading(
  place: MachinePlace,
  machine: string,
  id: string,
  position: number | undefined,
  { follow, tail }: { readonly follow: boolean; readonly tail?: number | undefined },
): Promise<Reading> {
  const process = id === "" ? place.main : place.exec(id);
  const directory = process.output;
  const start = position ?? (tail === undefined ? 0 : await tailOfOutput(directory, tail));
  return {
    stream: new OutputStream({ machine, installer: id === "" ? null : id, directory }, start),
    end: follow ? Number.POSITIVE_INFINITY : await endOfOutput(directory),
    isComplete: () => isOutputComplete(process),
  };
}
