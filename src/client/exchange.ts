import { TroupeError } from "../errors.ts";
import { Inbox } from "./inbox.ts";
import { openSocket } from "./socket.ts";

/** What a server says in answer to a subscription. Records are of the types that the subscription's topic has. */
export type ServerMessage<Update> =
  | { readonly type: "subscribed" | "end" }
  | { readonly type: "error"; readonly code?: unknown; readonly message?: unknown }
  | Update;

/** How long a connection may take to be made. */
const CONNECT_MS = 10_000;

/** Close code of a server that does not allow it (RFC 6455, section 7.4.1: policy violation). */
const NOT_ALLOWED = 1008;

/** Messages that came and were not taken, in bytes (about: characters). */
const INBOX_BYTES = 1024 * 1024;

/**
 * Connects, sends `request`, and yields what the server says until the connection ends, for whatever reason.
 *
 * A reader that is slow gets at most `INBOX_BYTES` ahead of it; then the connection is closed behind a message that
 * `isPlace` says can be resumed from, and the reader is left to take what has come and to connect again. (A browser's
 * WebSocket knows no other way to ask a server to wait.)
 */
export async function* exchange<Update>(
  url: URL,
  token: string | undefined,
  request: object,
  isPlace: (message: ServerMessage<Update>) => boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<ServerMessage<Update>, void> {
  const inbox = new Inbox<ServerMessage<Update>>();
  const socket = await openSocket(url, token);
  const end = () => inbox.end();
  const connecting = setTimeout(end, CONNECT_MS);

  socket.addEventListener("open", () => {
    clearTimeout(connecting);
    socket.send(JSON.stringify(request));
  });
  socket.addEventListener("message", ({ data }) => {
    try {
      const text = String(data);
      const message = JSON.parse(text) as ServerMessage<Update>;
      inbox.put(message, text.length);
      if (inbox.bytes <= INBOX_BYTES || !isPlace(message)) return;
      inbox.end(); // ignores what is still on its way: it comes again
      socket.close();
    } catch (cause) {
      inbox.end(new TroupeError("INTERNAL", "Cannot read the server's message: it is not JSON", { cause }));
    }
  });
  socket.addEventListener("close", ({ code }) => {
    inbox.end(
      code === NOT_ALLOWED ? new TroupeError("FORBIDDEN", "The server does not allow this channel") : undefined,
    );
  });
  socket.addEventListener("error", end); // what it was, the next request over HTTP tells better
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();

  try {
    yield* inbox;
  } finally {
    clearTimeout(connecting);
    signal?.removeEventListener("abort", end);
    socket.close();
  }
}
