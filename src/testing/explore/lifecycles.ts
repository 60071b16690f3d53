import { workspaceOf } from "../workspace-of.ts";
import { runScript } from "./run-script.ts";
import type { Script } from "./script.ts";

/** Plain lives, judged after every step as all others are: for measuring how many there are in a second. */
export const lifecycles: Readonly<Record<string, () => Promise<void>>> = {
  "a workspace of 2 machines, 2 installers and 2 servers": () => live(workspaceLife),
  "the chart of a machine alone": () => live(machineLife),
};

const workspaceLife: Script = {
  format: "troupe-script",
  version: 1,
  seed: 0,
  config: {
    subject: "supervisor",
    workspaces: [
      workspaceOf("w", {
        db: {
          installers: [{ id: "tools", version: "1.0.0", script: "true" }],
          servers: { sql: { port: "auto", protocol: "tcp" } },
        },
        web: {
          dependsOn: { db: "healthy" },
          installers: [{ id: "agent", version: "1.0.0", script: "true" }],
          servers: { http: { port: "auto", protocol: "http" } },
        },
      }),
    ],
    concurrentStarts: 8,
    longestOperationMs: 0,
    ending: "stopped",
  },
  steps: [
    { do: "start", of: 0 },
    { do: "wait", ms: 100 },
    { do: "stop", of: 0, force: false },
    { do: "wait", ms: 100 },
  ],
};

const machineLife: Script = {
  format: "troupe-script",
  version: 1,
  seed: 0,
  config: {
    subject: "machine",
    installers: 0,
    servers: 0,
    restart: "transient",
    maxRestarts: 1,
    was: "new",
    is: "absent",
  },
  steps: [
    { do: "command", command: "start" },
    { do: "port", pick: 0, outcome: "done" },
    { do: "port", pick: 0, outcome: "done" },
    { do: "port", pick: 0, outcome: "done" },
    { do: "command", command: "stop" },
    { do: "port", pick: 0, outcome: "done" },
    { do: "port", pick: 0, outcome: "done" },
  ],
};

/** @throws {Error} if it is not well */
async function live(script: Script): Promise<void> {
  const { violation } = await runScript(script);
  if (violation !== null) throw new Error(violation.message);
}
