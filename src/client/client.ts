import { TroupeError } from "../errors.ts";
import type { LeakRow } from "../journal/spi.ts";
import type { WorkspaceConfig } from "../model/config.ts";
import type { Warning } from "../model/environment.ts";
import type { Incident } from "../model/incident.ts";
import type { WorkspaceView } from "../model/workspace.ts";
import type { StartOptions, WaitCondition, Why } from "../supervisor/api.ts";
import { type Call, type Http, httpTo } from "./http.ts";
import { subscription } from "./subscription.ts";
import type {
  ChannelOptions,
  ChannelUpdate,
  ConfigInput,
  EventPage,
  EventPageQuery,
  LogPage,
  LogPageQuery,
  OutputOptions,
  OutputUpdate,
  ServerHealth,
  WorkspaceListQuery,
  WorkspacePage,
} from "./types.ts";

export interface ClientOptions {
  /** Of the main listener: `http://127.0.0.1:7480`. A path in it is kept. */
  readonly url: string;
  readonly token?: string;
  /** Of the output listener. Default: what the server says (`GET /v1/health`). */
  readonly outputUrl?: string;
}

/**
 * A server's whole native API. `key` is a workspace's id, its name, or `owner/name`.
 *
 * Every call rejects with `TroupeError`: the server's own, `SERVER_UNREACHABLE` or `DEADLINE_EXCEEDED`; or, when its
 * `signal` aborts, with that signal's reason. Letting go of a call does not undo it.
 */
export interface TroupeClient {
  health(signal?: AbortSignal): Promise<ServerHealth>;
  list(query?: WorkspaceListQuery, signal?: AbortSignal): Promise<WorkspacePage>;
  create(
    config: ConfigInput,
    options?: { readonly start?: boolean; readonly owner?: string },
    signal?: AbortSignal,
  ): Promise<WorkspaceView>;
  /** What is not wrong with a config, but not quite as it may seem. Rejects with `CONFIG_INVALID` and every problem. */
  validate(config: ConfigInput, signal?: AbortSignal): Promise<readonly Warning[]>;
  get(key: string, signal?: AbortSignal): Promise<WorkspaceView>;
  config(key: string, signal?: AbortSignal): Promise<WorkspaceConfig>;
  /** With `version`: only over that version of the record. */
  update(
    key: string,
    config: ConfigInput,
    options?: { readonly version?: number },
    signal?: AbortSignal,
  ): Promise<WorkspaceView>;
  /** Resolves once the workspace is gone. */
  delete(key: string, signal?: AbortSignal): Promise<void>;
  start(key: string, options?: StartOptions, signal?: AbortSignal): Promise<WorkspaceView>;
  stop(key: string, options?: { readonly force?: boolean }, signal?: AbortSignal): Promise<WorkspaceView>;
  /** Resolves when the condition holds; rejects with `WAIT_TIMEOUT` after `timeoutMs` (default 60,000), or `WAIT_FAILED`. */
  wait(
    key: string,
    condition: WaitCondition,
    options?: { readonly timeoutMs?: number },
    signal?: AbortSignal,
  ): Promise<WorkspaceView>;
  why(key: string, signal?: AbortSignal): Promise<Why>;
  events(key: string, query?: EventPageQuery, signal?: AbortSignal): Promise<EventPage>;
  /** All that is kept of a workspace, or of one instance of it, without secrets. */
  export(key: string, query?: { readonly instanceId?: string }, signal?: AbortSignal): Promise<Incident>;
  logs(key: string, query?: LogPageQuery, signal?: AbortSignal): Promise<LogPage>;
  leaks(signal?: AbortSignal): Promise<readonly LeakRow[]>;
  /** The API's OpenAPI document. */
  openapi(signal?: AbortSignal): Promise<unknown>;
  /** In Prometheus' text format. */
  metrics(signal?: AbortSignal): Promise<string>;

  /**
   * What happens to one workspace or to all, over any number of connections: nothing is lost and nothing repeated, but
   * for a snapshot that was cut off, which begins again. What can't be had any more is told by a `gap`.
   *
   * Ends when the workspace is deleted or `signal` aborts. Throws what any call throws; `SERVER_UNREACHABLE` if a lost
   * server has not come back within a minute: iterate again with the last cursor to go on.
   */
  channel(options: ChannelOptions): AsyncGenerator<ChannelUpdate, void>;
  /** What machines write, as it is written; otherwise as `channel`. Ends when the output is complete. */
  output(options: OutputOptions): AsyncGenerator<OutputUpdate, void>;
}

/** One answer of a long poll comes within this; longer waits ask again. Below what proxies and `fetch` put up with. */
const POLL_MS = 50_000;

/** How much later than asked for an answer may come. */
const ANSWER_MS = 10_000;

/** Tens of megabytes, at the worst. In milliseconds. */
const EXPORT_MS = 120_000;

/** Deleting includes stopping: installers, graces, forced ends. In milliseconds. */
const DELETE_MS = 280_000;

export function createClient(options: ClientOptions): TroupeClient {
  const http = httpTo(options.url, options.token);
  // The one place where answers get their types: what is behind the other end of the wire is the same version of this.
  const ask = async <Answer>(method: string, path: string, call?: Call) => (await http(method, path, call)) as Answer;
  const about = async <Answer>(method: string, key: string, path: string, call?: Call) =>
    ask<Answer>(method, `${workspacePath(key)}${path}`, call);

  const client: TroupeClient = {
    health: (signal) => ask("GET", "/v1/health", { alsoStatus: 503, signal }),
    list: (query = {}, signal) => ask("GET", "/v1/workspaces", { query: { ...query }, signal }),
    create: (config, query = {}, signal) =>
      ask("POST", "/v1/workspaces", { body: config, query: { ...query }, signal }),
    validate: async (config, signal) =>
      (await ask<{ warnings: Warning[] }>("POST", "/v1/validate", { body: config, signal })).warnings,
    get: (key, signal) => about("GET", key, "", { signal }),
    config: (key, signal) => about("GET", key, "/config", { signal }),
    update: (key, config, { version } = {}, signal) =>
      about("PUT", key, "", {
        body: config,
        headers: version === undefined ? {} : { "if-match": `"${version}"` },
        signal,
      }),
    delete: async (key, signal) => {
      await about("DELETE", key, "", { timeoutMs: DELETE_MS, signal });
    },
    start: (key, body = {}, signal) => about("POST", key, "/start", { body, signal }),
    stop: (key, body = {}, signal) => about("POST", key, "/stop", { body, signal }),
    wait: (key, condition, { timeoutMs = 60_000 } = {}, signal) => wait(http, key, condition, timeoutMs, signal),
    why: (key, signal) => about("GET", key, "/why", { signal }),
    events: (key, query = {}, signal) => about("GET", key, "/events", { query: { ...query }, signal }),
    export: (key, query = {}, signal) =>
      about("GET", key, "/export", { query: { ...query }, timeoutMs: EXPORT_MS, signal }),
    logs: (key, query = {}, signal) => about("GET", key, "/logs", { query: { ...query }, signal }),
    leaks: async (signal) => (await ask<{ leaks: LeakRow[] }>("GET", "/v1/leaks", { signal })).leaks,
    openapi: (signal) => ask("GET", "/v1/openapi.json", { signal }),
    metrics: (signal) => ask("GET", "/metrics", { signal }),

    channel: ({ signal, since, ...topic }) =>
      subscription<ChannelUpdate>({
        token: options.token,
        url: async () => channelsUrl(options.url),
        request: (place) => subscribeMessage({ ...topic, since: place }),
        placeOf: channelPlace,
        check: () => client.list({ limit: 1 }, signal),
        since,
        signal,
      }),
    output: ({ signal, since, tail, ...topic }) =>
      subscription<OutputUpdate>({
        token: options.token,
        url: async () => channelsUrl(options.outputUrl ?? (await client.health(signal)).outputUrl),
        request: (place) =>
          // A tail is for the beginning only: behind a cursor it would skip what was written meanwhile.
          subscribeMessage({ topic: "output", ...topic, since: place, tail: place === undefined ? tail : undefined }),
        placeOf: ({ cursor }) => cursor,
        check: () => client.get(topic.workspace, signal),
        since,
        signal,
      }),
  };
  return client;
}

async function wait(
  http: Http,
  key: string,
  condition: WaitCondition,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<WorkspaceView> {
  const deadlineAt = Date.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(0, deadlineAt - Date.now());
    const pollMs = Math.min(leftMs, POLL_MS);
    try {
      const query = { for: conditionText(condition), timeoutMs: pollMs };
      const call = { query, timeoutMs: pollMs + ANSWER_MS, signal };
      return (await http("GET", `${workspacePath(key)}/wait`, call)) as WorkspaceView;
    } catch (error) {
      if (!(error instanceof TroupeError) || error.code !== "WAIT_TIMEOUT") throw error;
      if (leftMs > POLL_MS) continue;
      if (timeoutMs <= POLL_MS) throw error;
      const what = `Cannot wait longer for workspace "${key}" to be ${conditionText(condition)}`;
      throw new TroupeError("WAIT_TIMEOUT", `${what}: ${timeoutMs} ms have passed`, { cause: error });
    }
  }
}

function conditionText(condition: WaitCondition): string {
  if (condition.for !== "server") return condition.for;
  return `${condition.machine}/${condition.server}=${condition.status.toLowerCase()}`;
}

/** No path can hold these names: a URL with them means another one. */
const UNSPEAKABLE = ["", ".", ".."];

function workspacePath(key: string): string {
  if (UNSPEAKABLE.includes(key)) throw new TroupeError("WORKSPACE_NOT_FOUND", `Cannot find workspace "${key}"`);
  return `/v1/workspaces/${encodeURIComponent(key)}`;
}

function channelsUrl(base: string): URL {
  const url = new URL("v1/channels", base.endsWith("/") ? base : `${base}/`);
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}

/** One subscription per connection, so the name can be the same always. */
function subscribeMessage(topic: object): object {
  return { type: "subscribe", id: "1", ...topic };
}

function channelPlace(update: ChannelUpdate): string | undefined {
  // Behind a gap, and within a snapshot, there is more to come that a cursor would skip.
  if (update.type === "gap" || (update.type === "snapshot" && update.more)) return undefined;
  return update.cursor;
}
