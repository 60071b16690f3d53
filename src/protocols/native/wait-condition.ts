import { TroupeError } from "../../errors.ts";
import type { WorkspaceView } from "../../model/workspace.ts";
import type { WaitCondition } from "../../supervisor/api.ts";

/**
 * Reads `running`, `stopped` or `MACHINE/SERVER=running|stopped`.
 *
 * Names of machines and of servers may have slashes themselves: the workspace decides which one is between them.
 *
 * @throws {TroupeError} `REQUEST_INVALID`
 */
export function waitCondition(text: string, { machines }: WorkspaceView): WaitCondition {
  if (text === "running" || text === "stopped") return { for: text };
  const [, path, status] = /^(.+\/.+)=(running|stopped)$/i.exec(text) ?? [];
  if (path === undefined || status === undefined) {
    throw new TroupeError(
      "REQUEST_INVALID",
      `Cannot wait for "${text}": it must be "running", "stopped" or "MACHINE/SERVER=running|stopped"`,
    );
  }
  const [first, ...others] = readings(path);
  const known = [first, ...others].find(({ machine, server }) => machines[machine]?.servers[server] !== undefined);
  const wanted = status.toUpperCase() === "RUNNING" ? "RUNNING" : "STOPPED";
  return { for: "server", ...(known ?? first), status: wanted };
}

interface Reading {
  readonly machine: string;
  readonly server: string;
}

/** Each slash can be the one between the two names. */
function readings(path: string): [Reading, ...Reading[]] {
  const at = (index: number): Reading => ({ machine: path.slice(0, index), server: path.slice(index + 1) });
  const slashes = [...path.matchAll(/(?<=.)\/(?=.)/g)].map(({ index }) => index);
  return [at(slashes[0] ?? path.indexOf("/")), ...slashes.slice(1).map(at)];
}
