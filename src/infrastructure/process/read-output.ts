import { join } from "node:path";
import type { OutputCursor, OutputOptions, OutputRecord } from "../spi.ts";
import { DirectoryWatch } from "./directory-watch.ts";
import { exists, namesIn } from "./files.ts";
import type { InstancePlace, MachinePlace, ProcessPlace } from "./layout.ts";
import { endOfOutput, tailOfOutput } from "./output-files.ts";
import { OutputStream } from "./output-stream.ts";
import { growing } from "./pause.ts";
import { readRecord } from "./record.ts";
import { isOutputComplete } from "./shimmed-process.ts";

/** How often to look where directories cannot be watched, and where they can, in case a change was not told. */
const LOOK_AGAIN_MS = { unwatched: 200, watched: 5_000 };

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
  let waits = soonThenSeldom(watch);
  try {
    for (let round = 0; ; round += 1) {
      // Before the reading: what was written until the machine was removed is still read.
      const isLast = !options.follow || !(await exists(place.directory));
      const ids = await streamIds(place);
      if (options.follow) watchAll(watch, instance, place, ids);
      for (const id of ids) {
        // Only streams that are there already have a tail to start at.
        const tail = round === 0 ? options.tail : undefined;
        if (!readings.has(id))
          readings.set(id, await openReading(place, machine, id, cursor[id], { ...options, tail }));
      }
      const hasRead = yield* readAll(readings.values(), signal);
      if (isLast && !hasRead) return;
      if (hasRead || (await watch.wait(waits.next().value, signal))) waits = soonThenSeldom(watch);
    }
  } finally {
    watch.close();
  }
}

/** A shim that has told its last ends a moment later, and that is no change in any directory. */
function soonThenSeldom(watch: DirectoryWatch): Generator<number, never> {
  return growing(10, watch.isComplete ? LOOK_AGAIN_MS.watched : LOOK_AGAIN_MS.unwatched);
}

function watchAll(watch: DirectoryWatch, instance: InstancePlace, place: MachinePlace, ids: readonly string[]): void {
  watch.add(instance.machines);
  watch.add(place.execOutputs);
  for (const id of ids) {
    const { directory, output } = placeOf(place, id);
    watch.add(directory);
    watch.add(output);
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
async function streamIds(place: MachinePlace): Promise<readonly string[]> {
  const directories = await namesIn(place.execOutputs);
  const names = await Promise.all(directories.map((name) => readRecord(join(place.execOutputs, name, OUTPUT_NAME))));
  return ["", ...names.flatMap((name) => (name === null ? [] : [JSON.parse(name) as string]))];
}

function placeOf(place: MachinePlace, id: string): ProcessPlace {
  return id === "" ? place.main : place.exec(id);
}

async function openReading(
  place: MachinePlace,
  machine: string,
  id: string,
  position: number | undefined,
  { follow, tail }: { readonly follow: boolean; readonly tail?: number | undefined },
): Promise<Reading> {
  const process = placeOf(place, id);
  const directory = process.output;
  const start = position ?? (tail === undefined ? 0 : await tailOfOutput(directory, tail));
  return {
    stream: new OutputStream({ machine, installer: id === "" ? null : id, directory }, start),
    end: follow ? Number.POSITIVE_INFINITY : await endOfOutput(directory),
    isComplete: () => isOutputComplete(process),
  };
}
