/** The files in which a shim keeps a stream's last bytes. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { namesIn } from "./files.ts";
import { isAbsent } from "./record.ts";

export interface OutputFile {
  readonly path: string;
  /** Where in the stream its first byte is. */
  readonly offset: number;
  /** Whether it begins a run: its first byte begins a line, whatever came before. */
  readonly isFirst: boolean;
}

export interface Chunk {
  readonly bytes: Buffer;
  /** When its file was last written, in milliseconds since 1970. */
  readonly at: number;
}

/** The files of a stream, in order. Of two at one offset the first is empty. */
export async function outputFiles(directory: string): Promise<readonly OutputFile[]> {
  return (await namesIn(directory)).flatMap((name) => {
    const [, offset, first] = /^output\.(\d+)(\.first)?$/.exec(name) ?? [];
    return offset === undefined
      ? []
      : [{ path: join(directory, name), offset: Number(offset), isFirst: first !== undefined }];
  });
}

/** Reads at most `bytes` bytes from `position` of the file; `null` if the file has been removed. */
export async function readChunk(path: string, position: number, bytes: number): Promise<Chunk | null> {
  const file = await open(path, "r").catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const buffer = Buffer.allocUnsafe(bytes);
    const { bytesRead } = await file.read(buffer, 0, bytes, position);
    return { bytes: buffer.subarray(0, bytesRead), at: Math.round((await file.stat()).mtimeMs) };
  } finally {
    await file.close();
  }
}

/** Where the stream ends now. */
export async function endOfOutput(directory: string): Promise<number> {
  const last = (await outputFiles(directory)).at(-1);
  return last === undefined ? 0 : last.offset + (await sizeOf(last.path));
}

/** Where the last `lines` lines of the stream begin. */
export async function tailOfOutput(directory: string, lines: number): Promise<number> {
  const files = await outputFiles(directory);
  const end = await endOfOutput(directory);
  if (lines === 0) return end;
  let wanted = lines;
  for (const file of files.toReversed()) {
    let before = Math.min(end - file.offset, await sizeOf(file.path));
    while (before > 0) {
      const from = Math.max(0, before - TAIL_BYTES);
      const chunk = await readChunk(file.path, from, before - from);
      if (chunk === null) return file.offset + before;
      for (let index = chunk.bytes.length - 1; index >= 0; index -= 1) {
        const after = file.offset + from + index + 1;
        if (chunk.bytes[index] !== NEWLINE || after === end) continue;
        if (wanted === 1) return after;
        wanted -= 1;
      }
      before = from;
    }
  }
  return files[0]?.offset ?? 0;
}

const TAIL_BYTES = 65_536;
const NEWLINE = 0x0a;

async function sizeOf(path: string): Promise<number> {
  const file = await open(path, "r").catch(() => null);
  if (file === null) return 0;
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
