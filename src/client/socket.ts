/** What a connection needs of a WebSocket. Browsers' and `ws` fit as they are. */
export interface Socket {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: "close", listener: (event: { readonly code: number }) => void): void;
}

/** The server pings every 25 s; after this long without one the connection is dead, whatever TCP thinks. */
const SILENCE_MS = 60_000;

/**
 * Begins a connection.
 *
 * Node always takes `ws`, which can send the token as a header; browsers cannot, and give it in the query.
 */
export async function openSocket(url: URL, token: string | undefined): Promise<Socket> {
  if (!isNode()) {
    if (token !== undefined) url.searchParams.set("token", token);
    return new (globalThis as unknown as { WebSocket: new (url: string) => Socket }).WebSocket(url.href);
  }
  const { WebSocket } = await import("ws");
  const socket = new WebSocket(url, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  });
  const silence = setTimeout(() => socket.terminate(), SILENCE_MS).unref();
  socket.on("ping", () => silence.refresh());
  socket.on("message", () => silence.refresh());
  socket.on("close", () => clearTimeout(silence));
  return socket;
}

function isNode(): boolean {
  return (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node !== undefined;
}
