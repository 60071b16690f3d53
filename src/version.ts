import { createRequire } from "node:module";

/** Of this package. */
export const version: string = (createRequire(import.meta.url)("troupe/package.json") as { version: string }).version;
