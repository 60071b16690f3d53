import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  readonly contentType?: string;
}

type Responder = Answer | ((request: SeenRequest) => Answer | Promise<Answer>);

export interface FakeServer {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** What clients sent on channels, in order, with their headers. */
  readonly subscriptions: readonly {
    readonly message: Record<string, unknown>;
    readonly headers: IncomingHttpHeaders;
  }[];
  /** Answers `METHOD /path`. */
  on(request: string, responder: Responder): void;
  /** What to do with each subscription. */
  onSubscribe(handler: (socket: WebSocket, message: Record<string, unknown>, nth: number) => void): void;
  /** Refuses channels with this HTTP status. */
  refuseChannels(status: number): void;
  close(): Promise<void>;
}

/** A server that says what a test tells it to, on real sockets. */
export async function fakeServer(): Promise<FakeServer> {
  const responders = new Map<string, Responder>();
  const requests: SeenRequest[] = [];
  const subscriptions: { message: Record<string, unknown>; headers: IncomingHttpHeaders }[] = [];
  let subscribed: Parameters<FakeServer["onSubscribe"]>[0] = () => {};
  let refusal: number | undefined;

  const http = createServer(async (incoming, response) => {
    const { pathname, searchParams } = new URL(incoming.url ?? "/", "http://fake");
    let body = "";
    for await (const chunk of incoming.setEncoding("utf8")) body += chunk;
    const request: SeenRequest = {
      method: incoming.method ?? "",
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers: incoming.headers,
      body,
    };
    requests.push(request);
    const responder = responders.get(`${request.method} ${pathname}`) ?? problem(404, "NOT_FOUND", `No ${pathname}`);
    const answer = typeof responder === "function" ? await responder(request) : responder;
    response.writeHead(answer.status ?? 200, { "content-type": answer.contentType ?? "application/json" });
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  });
  const sockets = new WebSocketServer({ noServer: true });
  http.on("upgrade", (request, socket, head) => {
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal} No\r\nConnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      client.on("error", () => {});
      client.on("message", (data) => {
        const message = JSON.parse(String(data)) as Record<string, unknown>;
        subscriptions.push({ message, headers: request.headers });
        subscribed(client, message, subscriptions.length - 1);
      });
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    subscriptions,
    on: (request, responder) => void responders.set(request, responder),
    onSubscribe: (handler) => {
      subscribed = handler;
    },
    refuseChannels: (status) => {
      refusal = status;
    },
    async close() {
      for (const client of sockets.clients) client.terminate();
      http.close();
      http.closeAllConnections();
      await once(http, "close");
    },
  };
}

export function problem(status: number, code: string, detail: string, more: object = {}): Answer {
  return { status, contentType: "application/problem+json", body: { status, code, detail, ...more } };
}

/** Sends messages of one subscription. */
export function say(socket: WebSocket, ...messages: readonly object[]): void {
  for (const message of messages) socket.send(JSON.stringify({ id: "1", ...message }));
}
