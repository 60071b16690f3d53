/** The workspace whose start goes through every state that a normal start has. */
import type { ConfigInput } from "../../src/client/index.ts";
import type { Site } from "./site.ts";

const program = (name: string) => new URL(`programs/${name}`, import.meta.url).pathname;

/** A command that runs one of our programs in Node. */
export const node = (name: string, ...args: readonly string[]): string[] => [process.execPath, program(name), ...args];

const shell = (...words: readonly string[]): string => words.map((word) => `'${word}'`).join(" ");

/** How long installers and servers take: long enough to be seen at it. */
const TAKES_MS = 100;

const install = (id: string) => `echo ${id} >>"$TROUPE_VOLUME_DATA/installers"; sleep ${TAKES_MS / 1_000}`;

/** A workspace of these machines, for the recipe `process`. */
export function workspace(name: string, commands: Record<string, string | readonly string[]>, machines: object = {}) {
  const described = Object.fromEntries(Object.entries(commands).map(([machine, command]) => [machine, { command }]));
  return { name, environment: { recipe: { type: "process", content: { machines: described } }, machines } };
}

/** Two machines, one after the other; installers, one of which brings a server; servers that are ready late; a volume. */
export function office(name: string): ConfigInput {
  const http = { port: "auto", protocol: "http", path: "/", readiness: { periodMs: 20 } };
  const commands = {
    store: node("service.mjs", "store", "$PORT", String(TAKES_MS)),
    web: node("service.mjs", "web", "$TROUPE_PORT_HTTP", String(TAKES_MS)),
  };
  return workspace(name, commands, {
    store: { servers: { api: http }, volumes: { data: {} } },
    web: {
      dependsOn: { store: "healthy" },
      volumes: { data: {} },
      installers: [
        { id: "base", version: "1.0.0", script: install("base") },
        {
          id: "agent",
          version: "1.0.0",
          dependencies: ["base"],
          servers: { agent: { port: "auto", protocol: "tcp" } },
          script: `${install("agent")}\n${shell(...node("service.mjs", "agent"))} "$TROUPE_PORT_AGENT" 0 &`,
        },
      ],
      servers: { http },
    },
  });
}

/** What a start of the office leaves in its volume: who ran, and how often. */
export function tracesOf(site: Site): { installers: string[]; pids: Record<"store" | "web" | "agent", number[]> } {
  const pids = (name: string): number[] => site.linesInVolume(`pids.${name}`).map(Number);
  return {
    installers: site.linesInVolume("installers"),
    pids: { store: pids("store"), web: pids("web"), agent: pids("agent") },
  };
}
