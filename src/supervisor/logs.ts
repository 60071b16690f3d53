import type { OutputCursor, OutputRecord } from "../infrastructure/spi.ts";
import type { InstanceRow } from "../journal/spi.ts";
import type { OutputLine } from "../model/workspace.ts";
import type { Clock, LogQuery } from "./api.ts";
import { lastLinesOf } from "./last-lines.ts";
import type { LiveInstance } from "./live-instance.ts";

/** Lines that are kept of each stream when the files of an instance go. */
const KEPT_LINES = 200;

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

/** What was kept of an instance that has ended: with a gap where the cursor is before it. */
export function* keptLogs({ lastOutput }: InstanceRow, query: LogQuery): Generator<OutputRecord> {
  for (const lines of streamsOf(lastOutput).values()) {
    const [first] = lines;
    if (first === undefined || (query.machine !== undefined && query.machine !== first.machine)) continue;
    const { machine, installer } = first;
    const from = query.cursor?.[machine]?.[installer ?? ""];
    const begin = first.position - Buffer.byteLength(first.text) - 1;
    if (from !== undefined && from < begin) yield { type: "gap", machine, installer, from, to: begin };
    const unread = lines.filter(({ position }) => position > (from ?? 0));
    const asked = from === undefined && query.tail !== undefined ? unread.slice(-query.tail) : unread;
    if (asked.length > 0) yield { type: "lines", lines: asked };
  }
}

/** The last lines of every stream of an instance, for its record. */
export async function outputToKeep(
  { infrastructure, spec }: LiveInstance,
  clock: Clock,
): Promise<InstanceRow["lastOutput"]> {
  const machines = Object.keys(spec.environment.machines);
  const lines = await Promise.all(machines.map((name) => lastLinesOf(infrastructure, spec, name, clock, KEPT_LINES)));
  return [...streamsOf(lines.flat()).values()].flatMap((stream) => stream.slice(-KEPT_LINES));
}

function streamsOf(lines: readonly OutputLine[]): ReadonlyMap<string, readonly OutputLine[]> {
  const streams = new Map<string, OutputLine[]>();
  for (const line of lines) {
    const key = `${line.machine} ${line.installer ?? ""}`;
    const stream = streams.get(key);
    if (stream === undefined) streams.set(key, [line]);
    else stream.push(line);
  }
  return streams;
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
