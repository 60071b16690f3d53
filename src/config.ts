/**
 * What the command line and the environment say, read once; flags win.
 *
 * | variable | |
 * |---|---|
 * | `TROUPE_URL` | the server that commands speak to |
 * | `TROUPE_TOKEN` | the token that commands send, and that `serve` wants |
 * | `TROUPE_DATA_DIR` | where `serve` keeps everything, and commands find the token of a server on this computer |
 * | `TROUPE_DEBUG` | errors come with their stack |
 * | `NO_COLOR` | no colours (no-color.org) |
 */
import { join, resolve } from "node:path";
import { TroupeError } from "./errors.ts";

/** In the data directory. */
export const TOKEN_FILE = "token";

export type Env = Readonly<Record<string, string | undefined>>;

export interface ClientFlags {
  readonly url?: string;
  readonly token?: string | false;
}

export interface ClientConfig {
  readonly url: string;
  readonly token: string | undefined;
  /** Where a server on this computer keeps its token, for those who were given none. */
  readonly tokenFile: string | undefined;
}

export interface ServeFlags {
  readonly host?: string;
  readonly port?: number;
  readonly outputPort?: number;
  readonly dataDir?: string;
  readonly infrastructure?: InfrastructureName;
  readonly installers?: string;
  /** `false` for `--no-token`. */
  readonly token?: string | false;
  readonly readyFile?: string;
  readonly logLevel?: LogLevel;
  readonly concurrentStarts?: number;
  readonly runningPerOwner?: number;
  readonly onExit?: OnExit;
}

export interface ServeConfig {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** 0: any free one. */
  readonly outputPort: number;
  readonly dataDir: string;
  readonly infrastructure: InfrastructureName;
  /** A directory of installers for the registry. */
  readonly installers: string | undefined;
  /** `generated`: made once and kept in the data directory. `none`: everybody on this computer is let in. */
  readonly token: { readonly given: string } | "generated" | "none";
  /** Written when the server can be used. */
  readonly readyFile: string | undefined;
  readonly logLevel: LogLevel;
  readonly limits: { readonly concurrentStarts?: number; readonly runningPerOwner?: number };
  /** What becomes of running workspaces. */
  readonly onExit: OnExit;
}

export const infrastructureNames = ["process", "simulated"] as const;
export type InfrastructureName = (typeof infrastructureNames)[number];

export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export const onExits = ["suspend", "terminate"] as const;
export type OnExit = (typeof onExits)[number];

export const defaults = {
  url: "http://127.0.0.1:7480",
  host: "127.0.0.1",
  port: 7480,
  outputPort: 7481,
  dataDir: ".troupe",
  infrastructure: "process",
  logLevel: "info",
  onExit: "suspend",
} as const;

/** @throws {TroupeError} `REQUEST_INVALID` if the URL is none. */
export function clientConfig(flags: ClientFlags, env: Env): ClientConfig {
  const url = flags.url ?? given(env["TROUPE_URL"]) ?? defaults.url;
  if (!isHttpUrl(url)) {
    throw new TroupeError(
      "REQUEST_INVALID",
      `Cannot use "${url}" as the server's URL: it must begin with http:// or https://`,
    );
  }
  const isHere = ["127.0.0.1", "localhost", "[::1]"].includes(new URL(url).hostname);
  return { url, token: tokenOf(flags, env), tokenFile: isHere ? join(dataDirOf({}, env), TOKEN_FILE) : undefined };
}

export function serveConfig(flags: ServeFlags, env: Env): ServeConfig {
  const token = tokenOf(flags, env);
  const { concurrentStarts, runningPerOwner } = flags;
  return {
    host: flags.host ?? defaults.host,
    port: flags.port ?? defaults.port,
    outputPort: flags.outputPort ?? defaults.outputPort,
    dataDir: dataDirOf(flags, env),
    infrastructure: flags.infrastructure ?? defaults.infrastructure,
    installers: flags.installers,
    token: flags.token === false ? "none" : token === undefined ? "generated" : { given: token },
    readyFile: flags.readyFile,
    logLevel: flags.logLevel ?? defaults.logLevel,
    limits: {
      ...(concurrentStarts === undefined ? {} : { concurrentStarts }),
      ...(runningPerOwner === undefined ? {} : { runningPerOwner }),
    },
    onExit: flags.onExit ?? defaults.onExit,
  };
}

function dataDirOf({ dataDir }: Pick<ServeFlags, "dataDir">, env: Env): string {
  return resolve(dataDir ?? given(env["TROUPE_DATA_DIR"]) ?? defaults.dataDir);
}

function tokenOf(flags: { readonly token?: string | false }, env: Env): string | undefined {
  return flags.token === false ? undefined : (given(flags.token) ?? given(env["TROUPE_TOKEN"]));
}

/** A variable that is set to nothing is not set: that is how a shell or a compose file leaves one out. */
function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}
