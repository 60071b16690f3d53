import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { TroupeError } from "../errors.ts";
import type { Logger } from "../telemetry/log.ts";
import { CloseCode, Connection, type ConnectionLimits, defaultConnectionLimits } from "./connection.ts";

/** What a protocol does with one connection. Neither method may throw. */
export interface Session {
  /** A text frame came; `null`: a binary one, which no protocol of ours has. */
  message(text: string | null): void;
  /** The connection is over; called once. */
  closed(): void;
}

export interface TransportLimits extends ConnectionLimits {
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Between two pings, in milliseconds. */
  readonly pingMs: number;
  /** A peer that says nothing for this long after a ping is gone. In milliseconds. */
  readonly silenceMs: number;
}

const defaultTransportLimits: TransportLimits = {
  ...defaultConnectionLimits,
  connections: 10_000,
  connectionsPerAddress: 1_000,
  pingMs: 25_000,
  silenceMs: 20_000,
};

export interface TransportOptions {
  /** The one path on which WebSockets are accepted. */
  readonly path: string;
  /** Lets a request in, or throws the `TroupeError` that refuses it. Called before there is a WebSocket. */
  readonly admit: (request: IncomingMessage) => void;
  readonly open: (connection: Connection) => Session;
  /** The body of a refusal, as the protocol writes its errors. */
  readonly refusal: (error: TroupeError) => { readonly contentType: string; readonly body: string };
  readonly logger: Logger;
  readonly metrics?: {
    readonly connections: { inc(): void; dec(): void };
    readonly slowConnections: { inc(): void };
  };
  readonly limits?: Partial<TransportLimits>;
}

interface Peer {
  readonly webSocket: WebSocket;
  readonly address: string;
  heardAt: number;
  pingedAt: number;
}

const MAX_MESSAGE_BYTES = 64 * 1024;

/** A variable, since the types of `ws` do not know `closeTimeout` yet. */
const serverOptions = {
  noServer: true,
  clientTracking: false,
  // Compression costs hundreds of kilobytes a connection.
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
  /** How long a peer may take to agree to a close, in milliseconds. */
  closeTimeout: 1_000,
};

/**
 * WebSockets on an HTTP server that somebody else owns: `server.on("upgrade", transport.upgrade)`.
 *
 * Refuses whom it must while the request is still HTTP; ends peers that are silent or do not read; bounds what waits.
 */
export class WebSocketTransport {
  readonly #options: TransportOptions;
  readonly #limits: TransportLimits;
  readonly #peers = new Set<Peer>();
  readonly #perAddress = new Map<string, number>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #server = new WebSocketServer(serverOptions);
  #isClosing = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#limits = { ...defaultTransportLimits, ...options.limits };
    this.#heartbeat = setInterval(this.#beat, Math.min(this.#limits.pingMs, this.#limits.silenceMs) / 4);
  }

  get connections(): number {
    return this.#peers.size;
  }

  /** For the server's 'upgrade' event. */
  readonly upgrade = (request: IncomingMessage, stream: Duplex, head: Buffer): void => {
    stream.on("error", destroy);
    try {
      this.#admit(request);
    } catch (error) {
      this.#refuse(request, stream, error);
      return;
    }
    this.#server.handleUpgrade(request, stream, head, (webSocket) => {
      stream.off("error", destroy);
      this.#open(webSocket, stream, addressOf(request));
    });
  };

  /** Closes all connections with 1001 and takes no more. Resolves when they are gone, at most a second later. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#heartbeat);
    await Promise.all(
      [...this.#peers].map(({ webSocket }) => {
        const closed = new Promise((resolve) => webSocket.once("close", resolve));
        webSocket.close(CloseCode.goingAway, "The server is going away: come back");
        return closed;
      }),
    );
  }

  #admit(request: IncomingMessage): void {
    if (this.#isClosing) throw new TroupeError("SUPERVISOR_CLOSED", "Cannot connect: the server is going away");
    const path = request.url?.split("?", 1)[0];
    if (path !== this.#options.path) throw new TroupeError("NOT_FOUND", `Cannot connect to "${path}": no such channel`);
    this.#options.admit(request);
    const { connections, connectionsPerAddress } = this.#limits;
    if (this.#peers.size >= connections) {
      throw new TroupeError("LIMIT_REACHED", `Cannot connect: ${connections} connections are open`);
    }
    if ((this.#perAddress.get(addressOf(request)) ?? 0) >= connectionsPerAddress) {
      throw new TroupeError(
        "LIMIT_REACHED",
        `Cannot connect: ${connectionsPerAddress} connections from your address are open`,
      );
    }
  }

  #refuse(request: IncomingMessage, stream: Duplex, error: unknown): void {
    const known =
      error instanceof TroupeError
        ? error
        : new TroupeError("INTERNAL", "Cannot connect: internal error", { cause: error });
    const { status, code } = known;
    this.#options.logger[known.class === "internal" ? "error" : "debug"](
      { err: known, address: addressOf(request) },
      "connection refused",
    );
    const { contentType, body } = this.#options.refusal(known);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? code}`,
      "Connection: close",
      `Content-Type: ${contentType}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(status === 401 ? ["WWW-Authenticate: Bearer"] : []),
    ];
    stream.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => stream.destroy());
  }

  #open(webSocket: WebSocket, stream: Duplex, address: string): void {
    const { logger, metrics, open } = this.#options;
    const now = performance.now();
    const peer: Peer = { webSocket, address, heardAt: now, pingedAt: now };
    const connection = new Connection(webSocket, stream, this.#limits, () => {
      metrics?.slowConnections.inc();
      logger.warn({ address }, "connection too slow");
    });
    this.#count(peer, 1);
    const session = open(connection);

    webSocket.on("message", (data, isBinary) => {
      peer.heardAt = performance.now();
      session.message(isBinary ? null : data.toString());
    });
    webSocket.on("pong", () => {
      peer.heardAt = performance.now();
    });
    // What a peer does wrong (frames too big, text that is not UTF-8) closes its connection; that is all.
    webSocket.on("error", (err) => logger.debug({ err, address }, "connection broken"));
    webSocket.on("close", () => {
      this.#count(peer, -1);
      session.closed();
    });
    logger.debug({ address, connections: this.#peers.size }, "connection opened");
  }

  #count(peer: Peer, change: 1 | -1): void {
    const left = (this.#perAddress.get(peer.address) ?? 0) + change;
    if (left === 0) this.#perAddress.delete(peer.address);
    else this.#perAddress.set(peer.address, left);
    if (change === 1) this.#peers.add(peer);
    else this.#peers.delete(peer);
    this.#options.metrics?.connections[change === 1 ? "inc" : "dec"]();
  }

  /** One timer for all: asks those who were not asked for a while, and ends those who did not answer. */
  readonly #beat = (): void => {
    const now = performance.now();
    for (const peer of this.#peers) {
      const sinceMs = now - peer.pingedAt;
      if (peer.pingedAt > peer.heardAt) {
        if (sinceMs >= this.#limits.silenceMs) peer.webSocket.terminate();
      } else if (sinceMs >= this.#limits.pingMs) {
        peer.pingedAt = now;
        peer.webSocket.ping();
      }
    }
  };
}

function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? "";
}

function destroy(this: Duplex): void {
  this.destroy();
}
