/** The two kinds of channels, each on a listener of its own. */
import { recordFrame } from "../../channels/encoding.ts";
import { WebSocketTransport } from "../../channels/websocket.ts";
import type { Supervisor } from "../../supervisor/api.ts";
import type { Logger } from "../../telemetry/log.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import type { Access } from "./access.ts";
import { OutputSubscribe, StatusSubscribe } from "./messages.ts";
import { followOutput } from "./output.ts";
import { PROBLEM_TYPE, problemDocument } from "./problem.ts";
import { type Offer, SubscribeSession } from "./subscribe-session.ts";

export interface ChannelOptions {
  readonly supervisor: Supervisor;
  readonly access: Access;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Whether what ends now ends because the server does. */
  readonly isClosing: () => boolean;
}

/** What happens: to one workspace, or to all. */
export function statusChannels(options: ChannelOptions): WebSocketTransport {
  return transport("status", options, {
    subscribe: StatusSubscribe,
    open: ({ policy = "events", since, ...message }, signal) =>
      options.supervisor.subscribe(message.topic === "all" ? "all" : { workspace: message.workspace }, {
        policy,
        signal,
        ...(since === undefined ? {} : { since }),
      }),
    encode: recordFrame,
  });
}

/** What machines write. */
export function outputChannels(options: ChannelOptions): WebSocketTransport {
  return transport("output", options, {
    subscribe: OutputSubscribe,
    open: (message, signal) => followOutput(options.supervisor, message, signal),
    encode: (id, { records, cursor }) => JSON.stringify({ id, type: "output", records, cursor }),
  });
}

function transport<Subscribe extends { readonly type: "subscribe"; readonly id: string }, Record>(
  listener: "status" | "output",
  { access, logger, metrics, isClosing }: ChannelOptions,
  offer: Offer<Subscribe, Record>,
): WebSocketTransport {
  return new WebSocketTransport({
    path: "/v1/channels",
    admit({ headers, url }) {
      access.checkOrigin(headers);
      // Browsers can't give a WebSocket headers.
      access.checkToken(headers, new URLSearchParams(url?.split("?", 2)[1]).get("token"));
    },
    open: (connection) => new SubscribeSession(connection, offer, { isClosing, logger }),
    refusal: (error) => ({ contentType: PROBLEM_TYPE, body: JSON.stringify(problemDocument(error)) }),
    logger,
    metrics: { connections: metrics.connections.labels(listener), slowConnections: metrics.slowConnections },
  });
}
