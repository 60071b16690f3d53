/** The public surface `troupe/server`. */
export { createNativeServer, type NativeServer, type NativeServerOptions } from "./server.ts";
