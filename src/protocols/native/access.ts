import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { TroupeError } from "../../errors.ts";

/** Who may use a server. */
export interface Access {
  /** Of every request. @throws {TroupeError} `FORBIDDEN` if it comes from a page that has no business here. */
  checkOrigin(headers: IncomingHttpHeaders): void;
  /** Of every request that needs a token. @throws {TroupeError} `UNAUTHENTICATED`. */
  checkToken(headers: IncomingHttpHeaders, queryToken?: string | null): void;
}

/** Whoever bears one of the tokens. A page elsewhere does not have one, so where a request comes from is no matter. */
export function tokenAccess(tokens: readonly string[]): Access {
  if (tokens.length === 0 || tokens.includes("")) {
    throw new TroupeError(
      "REQUEST_INVALID",
      "Cannot serve: a list of tokens needs at least one, and none may be empty",
    );
  }
  const digests = tokens.map(digest);
  return {
    checkOrigin: () => {},
    checkToken(headers, queryToken) {
      const given = bearerToken(headers) ?? queryToken ?? "";
      // All of them, and of equal length: how long it takes tells nothing about any token.
      const matches = digests.filter((known) => timingSafeEqual(known, digest(given)));
      if (matches.length === 0) {
        throw new TroupeError(
          "UNAUTHENTICATED",
          `Cannot answer: ${given === "" ? "a token is needed" : "the token is not known"}`,
        );
      }
    },
  };
}

/**
 * Whoever is on this machine, and no page in their browser but our own.
 *
 * A page elsewhere can reach loopback: by a request across sites, which its `Origin` shows, or by a name of its own that
 * it makes resolve to 127.0.0.1, which the `Host` shows.
 *
 * @param ports of our listeners: pages that they serve may use them
 */
export function loopbackAccess(ports: () => readonly number[]): Access {
  return {
    checkOrigin({ host, origin }) {
      if (!isLoopback(urlOf(`http://${host}`)?.hostname)) {
        throw new TroupeError("FORBIDDEN", "Cannot answer: without a token, only requests to a loopback address are");
      }
      if (origin !== undefined && !isOurs(urlOf(origin), ports())) {
        throw new TroupeError("FORBIDDEN", "Cannot answer: without a token, requests from pages elsewhere are not");
      }
    },
    checkToken: () => {},
  };
}

/** Whether a host name or address (an IPv6 one with or without brackets) means this machine and no other. */
export function isLoopback(host: string | undefined): boolean {
  return host !== undefined && /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

function isOurs(origin: URL | undefined, ports: readonly number[]): boolean {
  return origin?.protocol === "http:" && isLoopback(origin.hostname) && ports.includes(Number(origin.port || 80));
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function bearerToken({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
