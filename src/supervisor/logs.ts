import type { OutputCursor, OutputRecord } from "../infrastructure/spi.ts";
import type { InstanceRow } from "../journal/spi.ts";
import type { LogQuery } from "./api.ts";
import { lastLinesOf, textOf } from "./last-lines.ts";
import type { LiveInstance } from "./live-instance.ts";

/** Lines that are kept of each stream when the files of an instance go. */
const KEPT_LINES = 200;

/** A stream's name in {@link InstanceRow.lastOutput}. */
function streamName(machine: string, installer: string | null): string {
  return installer === null ? machine : `${machine} ${installer}`;
}

/** What machines write, from the infrastructure; each machine's in order, machines as they come. */
export async function* liveLogs(
  live: LiveInstance,
  query: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<OutputRecord> {
  const { infrastructure, spec } = live;
  const machines = query.machine === undefined ? Object.keys(spec.environment.machines) : [query.machine];
  const options = { follow: query.follow ?? false, ...(query.tail === undefined ? {} : { tail: query.tail }) };
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const outputs = machines.map((machine) => {
    const cursor: OutputCursor = query.cursor?.[machine] ?? {};
    return infrastructure.output(spec, machine, cursor, options, until);
  });
  try {
    yield* merge(outputs);
  } finally {
    ended.abort();
  }
}

/** What was kept of an instance that has ended. */
export function* keptLogs(
  { lastOutput, stoppedAt, environment }: InstanceRow,
  query: LogQuery,
): Generator<OutputRecord> {
  for (const { name: machine, installers } of Object.values(environment.machines)) {
    if (query.machine !== undefined && query.machine !== machine) continue;
    for (const installer of [null, ...installers.map(({ id }) => id)]) {
      const texts = lastOutput[streamName(machine, installer)] ?? [];
      const kept = query.tail === undefined ? texts : texts.slice(-query.tail);
      // Their places went with the files: they have none that a cursor could name.
      const lines = kept.map((text) => ({ machine, installer, position: 0, at: stoppedAt ?? 0, text }));
      if (lines.length > 0) yield { type: "lines", lines };
    }
  }
}

/** The last lines of every stream of an instance, for its record. */
export async function outputToKeep(live: LiveInstance): Promise<InstanceRow["lastOutput"]> {
  const { infrastructure, spec } = live;
  const machines = Object.values(spec.environment.machines);
  const streams = await Promise.all(
    machines.map(async ({ name, installers }) => {
      const lines = await lastLinesOf(infrastructure, spec, name, KEPT_LINES);
      return [null, ...installers.map(({ id }) => id)].map((installer): [string, string[]] => [
        streamName(name, installer),
        textOf(lines, installer, KEPT_LINES),
      ]);
    }),
  );
  return Object.fromEntries(streams.flat().filter(([, lines]) => lines.length > 0));
}

/** Yields from all sources as they come; holds at most one record of each. */
async function* merge<Item>(sources: readonly AsyncIterable<Item>[]): AsyncGenerator<Item> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const next = (index: number) => iterators[index]?.next().then((result) => ({ index, result }));
  const reads = new Map(iterators.map((_, index) => [index, next(index)]));
  try {
    while (reads.size > 0) {
      const read = await Promise.race(reads.values());
      if (read === undefined) return;
      if (read.result.done) {
        reads.delete(read.index);
      } else {
        reads.set(read.index, next(read.index));
        yield read.result.value;
      }
    }
  } finally {
    // Whoever breaks off has aborted the reads; what they end with is nobody's business any more.
    for (const read of reads.values()) read?.catch(() => {});
    await Promise.allSettled(iterators.map((iterator) => iterator.return?.()));
  }
}
