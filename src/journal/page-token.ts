import { TroupeError } from "../errors.ts";

/** Opaque to whoever carries it: the number of the last row of a page. */
export function pageToken(seq: number): string {
  return Buffer.from(`w${seq}`).toString("base64url");
}

/** The number in a token; 0, before the first row, without one. @throws {TroupeError} `REQUEST_INVALID`. */
export function pageAfter(token: string | undefined): number {
  if (token === undefined) return 0;
  // 15 digits: always an exact number.
  const [, digits] = /^w([1-9]\d{0,14})$/.exec(Buffer.from(token, "base64url").toString()) ?? [];
  if (digits !== undefined && pageToken(Number(digits)) === token) return Number(digits);
  throw new TroupeError("REQUEST_INVALID", "Cannot list workspaces: the page token is not one of ours", {
    problems: [{ path: "after", message: "is not a page token" }],
  });
}
