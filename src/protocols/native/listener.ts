/** What both listeners have in common. */
import { once } from "node:events";
import type { Server } from "node:http";
import { isIPv6 } from "node:net";
import { TroupeError } from "../../errors.ts";

/** How long a request that is under way may take to end at close, in milliseconds. */
const CLOSE_GRACE_MS = 3_000;

/** @throws {TroupeError} `PORT_TAKEN` */
export async function listen(server: Server, host: string, port: number): Promise<void> {
  const listening = once(server, "listening");
  server.listen({ host, port });
  await listening.catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EADDRINUSE") throw cause;
    throw new TroupeError("PORT_TAKEN", `Cannot listen on ${authority(host, port)}: the port is in use`, { cause });
  });
}

/** Takes no more connections, waits for the requests under way, and cuts what takes too long. */
export async function closeListener(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
  await closed;
  clearTimeout(cut);
}

/** The port that a listening server has. */
export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

export function urlOf(host: string, server: Server): string {
  return `http://${authority(host, portOf(server))}`;
}

/** Whether it means all addresses of this machine, so that it is none to connect to. */
export function isAnyAddress(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function authority(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
