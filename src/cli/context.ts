import { readFileSync } from "node:fs";
import { createClient, type TroupeClient } from "../client/index.ts";
import { type ClientFlags, clientConfig } from "../config.ts";
import type { Host } from "./host.ts";
import { Terminal } from "./terminal.ts";

/** What every command has. */
export interface Context {
  readonly host: Host;
  readonly terminal: Terminal;
  /** Whether the result is written as JSON. */
  readonly isJson: boolean;
}

/** What a command has that speaks to a server. */
export interface ClientContext extends Context {
  readonly client: TroupeClient;
}

export interface CommonFlags extends ClientFlags {
  readonly json?: boolean;
}

export function contextOf(host: Host, flags: CommonFlags): Context {
  return { host, terminal: terminalOf(host), isJson: flags.json === true };
}

/** @throws {TroupeError} `REQUEST_INVALID` if the server's URL is none. */
export function clientContextOf(host: Host, flags: CommonFlags): ClientContext {
  const { url, token: given, tokenFile } = clientConfig(flags, host.env);
  const token = given ?? (flags.token === false ? undefined : localToken(tokenFile));
  return { ...contextOf(host, flags), client: createClient({ url, ...(token === undefined ? {} : { token }) }) };
}

/** The token that a server of this user's keeps; only this user can read it. */
function localToken(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined; // there is none: then the server says what it wants
  }
}

export function terminalOf({ stdout, stderr, env }: Host): Terminal {
  return new Terminal({ stdout, stderr, color: (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb" });
}
