import { rm } from "node:fs/promises";
import { writePrivateFile } from "./private-file.ts";
import type { RunningServer } from "./serve.ts";

/** Tells other programs that the server can be used, and how. Readable for this user alone: the token is in it. */
export async function writeReadyFile(file: string | undefined, server: RunningServer): Promise<void> {
  const { url, outputUrl, token } = server;
  if (file !== undefined)
    await writePrivateFile(file, `${JSON.stringify({ url, outputUrl, pid: process.pid, token })}\n`);
}

export async function removeReadyFile(file: string | undefined): Promise<void> {
  if (file !== undefined) await rm(file, { force: true });
}
