/** What the clients of a round did, and what they were told. Plain data: the rules read nothing else of them. */
import type { TroupeEvent, WorkspaceView } from "../../src/model/workspace.ts";

export type Verb = "create" | "update" | "start" | "stop" | "force" | "delete" | "get" | "wait";

export interface Operation {
  readonly client: string;
  readonly verb: Verb;
  /** The workspace's name. No two workspaces of a round ever have the same. */
  readonly workspace: string;
  /** In milliseconds since 1970, with fractions. */
  readonly begunAt: number;
  /** Infinity while it is under way. */
  readonly endedAt: number;
  readonly outcome: Outcome;
}

export type Outcome =
  /** `view`: `null` where the answer has none. */
  | { readonly type: "acknowledged"; readonly view: WorkspaceView | null }
  | { readonly type: "refused"; readonly code: string; readonly message: string }
  /** The server has not answered, or went away before it did: it was done or not. */
  | { readonly type: "unknown" };

/** What one subscriber to events was told, over all its connections. */
export interface EventsFollowed {
  /** A workspace's name, or all. */
  readonly topic: { readonly workspace: string } | "all";
  /** Of the snapshot with which it began; `null` before that. */
  from: number | null;
  readonly events: TroupeEvent[];
  /** Of the last record. */
  position: number;
  /** What it was told beside events, and should not have been: everything was there to be told. */
  readonly others: string[];
  /** Whether it was told that no more comes. */
  isOver: boolean;
}

/** What one reader of a counter's output read, over all its connections. */
export interface OutputFollowed {
  readonly workspace: string;
  readonly items: ({ readonly text: string } | "gap")[];
  isOver: boolean;
}

export class History {
  readonly #operations = new Set<Operation>();
  readonly events: EventsFollowed[] = [];
  readonly outputs: OutputFollowed[] = [];
  /** Called with each acknowledgement, at once. */
  onAcknowledged: () => void = () => {};

  get operations(): readonly Operation[] {
    return [...this.#operations];
  }

  /** An operation is part of the history from its begin on. @returns it, as it ended */
  async record(what: Pick<Operation, "client" | "verb" | "workspace">, outcome: Promise<Outcome>): Promise<Operation> {
    const begun: Operation = {
      ...what,
      begunAt: now(),
      endedAt: Number.POSITIVE_INFINITY,
      outcome: { type: "unknown" },
    };
    this.#operations.add(begun);
    const ended: Operation = { ...begun, outcome: await outcome, endedAt: now() };
    this.#operations.delete(begun);
    this.#operations.add(ended);
    if (ended.outcome.type === "acknowledged") this.onAcknowledged();
    return ended;
  }
}

/** On a clock that events and operations share; fine enough to order answers. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
