import { randomInt } from "node:crypto";

/** Who owns the workspaces of a supervisor that knows no users. */
export const DEFAULT_OWNER = "default";

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";

/** `workspace` and 16 characters of `[0-9a-z]`: the form that Che's clients know. */
export function newWorkspaceId(): string {
  return `workspace${Array.from({ length: 16 }, () => ALPHABET[randomInt(ALPHABET.length)]).join("")}`;
}

export function isWorkspaceId(key: string): boolean {
  return /^workspace[0-9a-z]{16}$/.test(key);
}
