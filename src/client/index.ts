/** The client of troupe's native protocol, for browsers and Node: `troupe/client`. */

export { TroupeError } from "../errors.ts";
export { type ClientOptions, createClient, type TroupeClient } from "./client.ts";
export type {
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
