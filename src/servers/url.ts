/** The URL of a server: `protocol://host:port/path`. */
import { isIPv6 } from "node:net";
import type { ServerSpec } from "../model/environment.ts";

/** What of a server its URL shows. */
type ServerInUrl = Pick<ServerSpec, "protocol" | "transport" | "path">;

/**
 * Builds the URL at which `server` is reached.
 *
 * Without a protocol the scheme is the transport, as in Che. A path gets the leading slash it lacks; no path, no slash.
 * IPv6 addresses are put in brackets.
 */
export function serverUrl(server: ServerInUrl, host: string, port: number): string {
  const scheme = server.protocol === "" ? server.transport : server.protocol;
  const authority = isIPv6(host) ? `[${host}]` : host;
  const slash = server.path === "" || server.path.startsWith("/") ? "" : "/";
  return `${scheme}://${authority}:${port}${slash}${server.path}`;
}
