import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { writePrivateFile } from "./private-file.ts";

/** As many as nobody guesses: 256 bits. */
const TOKEN_BYTES = 32;

/** The token in `file`; a new one, kept there for this user alone, if there is none yet. */
export async function keptToken(file: string): Promise<string> {
  const kept = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  if (kept.trim() !== "") return kept.trim();

  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  await writePrivateFile(file, `${token}\n`);
  return token;
}
