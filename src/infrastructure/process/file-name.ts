import { createHash } from "node:crypto";

/**
 * A file name for any name: the name itself where that is safe, otherwise a readable part and a digest.
 *
 * Different names never share one: a plain name has no dot, and a digest follows a dot. Capitals are not plain,
 * because some file systems take `Web` and `web` for the same.
 */
export function safeFileName(name: string): string {
  if (/^[a-z0-9_-]{1,80}$/.test(name)) return name;
  const readable = name
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .slice(0, 40);
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 24);
  return `${readable}.${digest}`;
}
