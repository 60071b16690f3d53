import { readFile, stat } from "node:fs/promises";
import { TroupeError, validationError } from "../../errors.ts";
import type { Change } from "../../testing/replay/change.ts";
import type { Context } from "../context.ts";
import type { ExitCode } from "../exit-codes.ts";

interface ReplayFlags {
  readonly whatIf?: Change;
}

/** The largest incident is far below it. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Goes through an incident, or runs a script, whichever the file is. */
export async function replay(context: Context, file: string, { whatIf }: ReplayFlags): Promise<ExitCode> {
  const text = await read(file);
  switch (formatOf(text)) {
    case "troupe-incident": {
      const { replayIncident } = await import("../replay/replay-incident.ts");
      return replayIncident(context, text, { file, whatIf });
    }
    case "troupe-script": {
      const { replayScript } = await import("../replay/replay-script.ts");
      return replayScript(context, text, whatIf);
    }
    default:
      throw validationError(`"${file}"`, [{ path: "format", message: 'must be "troupe-incident" or "troupe-script"' }]);
  }
}

async function read(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= MAX_BYTES) return await readFile(file, "utf8");
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(cause);
    throw new TroupeError("NOT_FOUND", `Cannot read "${file}": ${reason}`, { cause });
  }
  throw new TroupeError("PAYLOAD_TOO_LARGE", `Cannot read "${file}": it is larger than ${MAX_BYTES} bytes`);
}

function formatOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { readonly format?: unknown } | null)?.format;
  } catch {
    return undefined;
  }
}
