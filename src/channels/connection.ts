import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/** Close codes of RFC 6455, section 7.4.1, and of its registry. */
export const CloseCode = { goingAway: 1001, notAllowed: 1008, tryAgainLater: 1013 } as const;

export interface ConnectionLimits {
  /**
   * Bytes that may wait for the peer; above, nothing more is taken for it. Must lie above the stream's own mark
   * (16 to 64 KiB), below which there is no 'drain'.
   */
  readonly highWaterBytes: number;
  /** How long those bytes may wait, in milliseconds. */
  readonly stallMs: number;
}

export const defaultConnectionLimits: ConnectionLimits = { highWaterBytes: 256 * 1024, stallMs: 15_000 };

/**
 * One WebSocket, as its protocol sees it.
 *
 * A writer first waits until the peer is ready, then takes what there is to send, and sends it: what waits for a slow
 * peer is the high-water mark and one frame of each writer, however much happens.
 */
export class Connection {
  readonly #webSocket: WebSocket;
  readonly #limits: ConnectionLimits;
  readonly #onStall: () => void;
  #waiting: (() => void)[] = [];
  #stall: NodeJS.Timeout | undefined;

  constructor(webSocket: WebSocket, stream: Duplex, limits: ConnectionLimits, onStall: () => void) {
    this.#webSocket = webSocket;
    this.#limits = limits;
    this.#onStall = onStall;
    stream.on("drain", this.#release);
    webSocket.once("close", () => {
      stream.off("drain", this.#release);
      this.#release();
    });
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** Whether a frame may be sent now. */
  get isReady(): boolean {
    return this.#webSocket.bufferedAmount <= this.#limits.highWaterBytes;
  }

  /** Resolves when the peer can take more, or is gone. A peer that leaves it waiting for too long is closed with 1013. */
  async ready(): Promise<void> {
    // Several may wait, and the first of them can fill it again.
    while (this.isOpen && !this.isReady) await this.#drained();
  }

  /** Sends a text frame as soon as the peer is ready for it. To a peer that is gone it sends nothing. */
  async send(frame: string): Promise<void> {
    await this.ready();
    if (this.isOpen) this.#webSocket.send(frame);
  }

  /** Sends at once, for short answers to what the peer said; who does not read them is not to go on asking. */
  reply(frame: string): void {
    if (!this.isOpen) return;
    if (this.isReady) this.#webSocket.send(frame);
    else this.close(CloseCode.notAllowed, "Answers are not read");
  }

  /** Begins to close; the peer has a second to agree. */
  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
  }

  #drained(): Promise<void> {
    this.#stall ??= setTimeout(() => {
      this.#onStall();
      this.close(CloseCode.tryAgainLater, "Too slow: come back with the last cursor");
    }, this.#limits.stallMs);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  readonly #release = (): void => {
    clearTimeout(this.#stall);
    this.#stall = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve();
  };
}
