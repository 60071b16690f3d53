/** Clients that give random commands, all about the same few workspaces. */
import { setTimeout as sleep } from "node:timers/promises";
import { TroupeError } from "../../src/errors.ts";
import type { WorkspaceView } from "../../src/model/workspace.ts";
import type { Server } from "../scenarios/server.ts";
import type { History, Operation, Outcome, Verb } from "./history.ts";
import type { Random } from "./random.ts";
import { MOST_STARTS, subject } from "./subject.ts";
import type { Target } from "./target.ts";

/** Workspaces that are there at the same time. */
const MOST_WORKSPACES = 5;

/** The longest rest between two commands, in milliseconds. */
const REST_MS = 60;

/** How long a client waits for a workspace to be as it wants, in milliseconds. */
const WAIT_MS = 400;

const WEIGHTS = { create: 2, update: 2, start: 7, stop: 4, force: 2, delete: 1, get: 2, wait: 2 } as const;

interface Known {
  starts: number;
  revision: number;
}

/** What the clients of a round know of, together. */
export class Fleet {
  readonly #known = new Map<string, Known>();
  #created = 0;

  get names(): readonly string[] {
    return [...this.#known.keys()];
  }

  isFull(): boolean {
    return this.#known.size >= MOST_WORKSPACES;
  }

  add(): string {
    this.#created += 1;
    const name = `subject-${this.#created}`;
    this.#known.set(name, { starts: 0, revision: 0 });
    return name;
  }

  remove(name: string): void {
    this.#known.delete(name);
  }

  nextRevision(name: string): number {
    const known = this.#known.get(name);
    if (known === undefined) return 1;
    known.revision += 1;
    return known.revision;
  }

  /** @returns whether it may be started once more. */
  countStart(name: string): boolean {
    const known = this.#known.get(name);
    if (known === undefined || known.starts >= MOST_STARTS) return false;
    known.starts += 1;
    return true;
  }
}

/** Gives commands until `signal` aborts; the last one is seen through. */
export async function runClient(
  client: string,
  { target, fleet, history, random }: { target: Target; fleet: Fleet; history: History; random: Random },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const server = await target.server(signal).catch(() => undefined);
    if (server === undefined) return;
    const { verb, workspace } = choose(fleet, random);
    const operation = await history.record(
      { client, verb, workspace },
      perform(server, { verb, workspace }, fleet, random),
    );
    if (isGone(operation)) fleet.remove(workspace);
    await sleep(random.between(0, REST_MS));
  }
}

function choose(fleet: Fleet, random: Random): { verb: Verb; workspace: string } {
  const wish = fleet.names.length === 0 ? "create" : random.weighted(WEIGHTS);
  if (wish === "create" && !fleet.isFull()) return { verb: "create", workspace: fleet.add() };
  const workspace = random.pick(fleet.names);
  const verb = wish === "create" ? "get" : wish;
  return { verb: verb === "start" && !fleet.countStart(workspace) ? "delete" : verb, workspace };
}

/** Gives one command. @returns what came of it. */
export async function perform(
  server: Server,
  what: Pick<Operation, "verb" | "workspace">,
  fleet: Fleet,
  random: Random,
): Promise<Outcome> {
  try {
    return { type: "acknowledged", view: await call(server, what, fleet, random) };
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error;
    if (error.code === "SERVER_UNREACHABLE") return { type: "unknown" };
    return { type: "refused", code: error.code, message: error.message };
  }
}

function call(
  { client }: Server,
  { verb, workspace }: Pick<Operation, "verb" | "workspace">,
  fleet: Fleet,
  random: Random,
): Promise<WorkspaceView | null> {
  switch (verb) {
    case "create":
      return client.create(subject(workspace, 0, random.chance(0.3)), { start: random.chance(0.3) });
    case "update":
      return client.update(workspace, subject(workspace, fleet.nextRevision(workspace), random.chance(0.3)));
    case "start":
      return client.start(workspace);
    case "stop":
      return client.stop(workspace);
    case "force":
      return client.stop(workspace, { force: true });
    case "delete":
      return client.delete(workspace).then(() => null);
    case "get":
      return client.get(workspace);
    case "wait":
      return client.wait(workspace, { for: random.pick(["running", "stopped"]) }, { timeoutMs: WAIT_MS });
  }
}

/** Whether nobody need ask for this workspace any more. */
function isGone({ verb, outcome }: Operation): boolean {
  return (
    (verb === "delete" && outcome.type === "acknowledged") ||
    (outcome.type === "refused" && outcome.code === "WORKSPACE_NOT_FOUND")
  );
}
