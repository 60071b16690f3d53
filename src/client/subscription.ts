import { TroupeError } from "../errors.ts";
import { pause, reconnectDelayMs } from "./backoff.ts";
import { exchange, type ServerMessage } from "./exchange.ts";
import { errorFrom, unreachable } from "./http.ts";

export interface SubscriptionOptions<Update> {
  readonly token: string | undefined;
  /** Where to connect; asked again for each connection, since a restarted server may be elsewhere. */
  readonly url: () => Promise<URL>;
  /** The subscribe message for a first connection, or for one that goes on behind `since`. */
  readonly request: (since: string | undefined) => object;
  /** The cursor from which nothing is lost if `update` was the last to arrive; `undefined` where there is none. */
  readonly placeOf: (update: Update) => string | undefined;
  /** Rejects if the server can't be used at all: not there, or not for us. Asked when a connection failed. */
  readonly check: () => Promise<unknown>;
  readonly since: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** How long a lost server is tried again before the iteration fails, in milliseconds: a restart takes seconds. */
const RECONNECT_FOR_MS = 60_000;

/**
 * A subscription that outlives its connections: when one ends, the next goes on where it was.
 *
 * A server that was never reached, and one that refuses us, is told at once; a lost one after a minute.
 */
export async function* subscription<Update extends object>(
  options: SubscriptionOptions<Update>,
): AsyncGenerator<Update, void> {
  const { token, signal } = options;
  const isPlace = (message: ServerMessage<Update>) => isUpdate(message) && options.placeOf(message) !== undefined;
  let since = options.since;
  let everSubscribed = false;
  let lostAt: number | undefined;
  let attempt = 0;

  while (!signal?.aborted) {
    try {
      const url = await options.url();
      let answered = false;
      for await (const message of exchange<Update>(url, token, options.request(since), isPlace, signal)) {
        if (signal?.aborted) return;
        answered = true;
        if (isUpdate(message)) {
          attempt = 0;
          since = options.placeOf(message) ?? since;
          yield message;
        } else if (message.type === "subscribed") {
          everSubscribed = true;
          lostAt = undefined;
        } else if (message.type === "end") {
          return;
        } else if (message.type === "error") {
          throw errorFrom(message.code, String(message.message));
        }
      }
      if (!answered && !signal?.aborted) {
        // A WebSocket that is refused does not say why; HTTP does.
        await options.check();
        throw unreachable(url.origin, new Error("it accepts no WebSocket"));
      }
    } catch (error) {
      if (signal?.aborted) return;
      const isLostForGood = lostAt !== undefined && Date.now() - lostAt > RECONNECT_FOR_MS;
      if (!everSubscribed || isLostForGood || !isPassing(error)) throw error;
    }
    lostAt ??= Date.now();
    await pause(reconnectDelayMs(attempt), signal);
    attempt += 1;
  }
}

function isUpdate<Update extends object>(message: ServerMessage<Update>): message is Update {
  return !("type" in message && ["subscribed", "end", "error"].includes(message.type as string));
}

/** Whether the same attempt may succeed in a while. */
function isPassing(error: unknown): boolean {
  return error instanceof TroupeError && error.retryable;
}
