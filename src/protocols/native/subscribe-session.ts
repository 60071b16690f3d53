import type { ZodType } from "zod";
import { CloseCode, type Connection } from "../../channels/connection.ts";
import type { Session } from "../../channels/websocket.ts";
import { TroupeError } from "../../errors.ts";
import type { Logger } from "../../telemetry/log.ts";
import { parseFrame, parseMessage, type Unsubscribe } from "./messages.ts";
import { troupeErrorOf } from "./problem.ts";

const MAX_SUBSCRIPTIONS = 100;

/** What can be subscribed to on a listener. */
export interface Offer<Subscribe, Record> {
  /** How clients say it. */
  readonly subscribe: ZodType<Subscribe>;
  /**
   * Begins. Refuses by throwing at once; ends soon after `signal` aborts. A record is taken only when the peer is ready for it.
   */
  readonly open: (message: Subscribe, signal: AbortSignal) => AsyncIterable<Record>;
  /** A record as a frame of the subscription `id`. */
  readonly encode: (id: string, record: Record) => string;
}

export interface SessionOptions {
  /** Whether what ends now ends because the server does. */
  readonly isClosing: () => boolean;
  readonly logger: Logger;
}

/** One client's subscriptions on one socket, whatever it subscribes to. */
export class SubscribeSession<Subscribe extends { readonly type: "subscribe"; readonly id: string }, Record>
  implements Session
{
  readonly #connection: Connection;
  readonly #offer: Offer<Subscribe, Record>;
  readonly #options: SessionOptions;
  readonly #subscriptions = new Map<string, AbortController>();

  constructor(connection: Connection, offer: Offer<Subscribe, Record>, options: SessionOptions) {
    this.#connection = connection;
    this.#offer = offer;
    this.#options = options;
  }

  message(text: string | null): void {
    let id: unknown;
    try {
      const value = parseFrame(text);
      id = value["id"];
      this.#obey(parseMessage(value, this.#offer.subscribe));
    } catch (error) {
      this.#connection.reply(this.#errorFrame(id, error));
    }
  }

  closed(): void {
    for (const subscription of this.#subscriptions.values()) subscription.abort();
  }

  #obey(message: Subscribe | Unsubscribe): void {
    if (message.type === "subscribe") this.#subscribe(message);
    else this.#unsubscribe(message.id);
  }

  #subscribe(message: Subscribe): void {
    const { id } = message;
    if (this.#subscriptions.has(id)) {
      throw new TroupeError("REQUEST_INVALID", `Cannot subscribe as "${id}": there is such a subscription already`);
    }
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      throw new TroupeError(
        "LIMIT_REACHED",
        `Cannot subscribe: a socket has at most ${MAX_SUBSCRIPTIONS} subscriptions`,
      );
    }
    const subscription = new AbortController();
    const records = this.#offer.open(message, subscription.signal);
    this.#subscriptions.set(id, subscription);
    // Settles by itself, at the latest when the connection is closed; and never rejects.
    void this.#pump(id, records, subscription.signal);
  }

  #unsubscribe(id: string): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) {
      throw new TroupeError("NOT_FOUND", `Cannot unsubscribe "${id}": there is no such subscription`);
    }
    subscription.abort();
  }

  async #pump(id: string, records: AsyncIterable<Record>, signal: AbortSignal): Promise<void> {
    const connection = this.#connection;
    await connection.send(JSON.stringify({ id, type: "subscribed" }));
    try {
      for (const reader = records[Symbol.asyncIterator](); ; ) {
        await connection.ready();
        const { done, value } = await reader.next();
        if (done) break;
        await connection.send(this.#offer.encode(id, value));
      }
      await this.#end(id, signal);
    } catch (error) {
      // An abort may show as an error too, and so may our end.
      if (signal.aborted || this.#options.isClosing()) await this.#end(id, signal);
      else await connection.send(this.#errorFrame(id, error));
    } finally {
      this.#subscriptions.delete(id);
    }
  }

  async #end(id: string, signal: AbortSignal): Promise<void> {
    // Who is told `end` does not come back; so it is not said when it is only us who go.
    if (!signal.aborted && this.#options.isClosing()) {
      this.#connection.close(CloseCode.goingAway, "The server is going away: come back");
    } else {
      await this.#connection.send(JSON.stringify({ id, type: "end" }));
    }
  }

  #errorFrame(id: unknown, error: unknown): string {
    const { code, message, class: whose } = troupeErrorOf(error);
    if (whose === "internal") this.#options.logger.error({ err: error }, "subscription failed");
    return JSON.stringify({
      ...(typeof id === "string" ? { id: id.slice(0, 100) } : {}),
      type: "error",
      code,
      message,
    });
  }
}
