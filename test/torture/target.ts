import type { Server } from "../scenarios/server.ts";

/** The server that clients speak to: the one that is there, or the next one. */
export class Target {
  #arrival = arrival();

  arrived(server: Server): void {
    this.#arrival.resolve(server);
  }

  /** From now on, whoever asks for a server waits for the next one. */
  left(): void {
    this.#arrival = arrival();
  }

  /** Rejects with `signal.reason` if that comes first. */
  async server(signal: AbortSignal): Promise<Server> {
    signal.throwIfAborted();
    let abort = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort, { once: true });
    });
    try {
      return await Promise.race([this.#arrival.server, aborted]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}

function arrival(): { server: Promise<Server>; resolve: (server: Server) => void } {
  let resolve: (server: Server) => void = () => {};
  const server = new Promise<Server>((settle) => {
    resolve = settle;
  });
  return { server, resolve };
}
