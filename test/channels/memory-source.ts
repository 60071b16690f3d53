import type { HubSource } from "../../src/channels/hub.ts";
import type { TroupeEvent, WorkspaceView } from "../../src/model/workspace.ts";

/** A journal in an array, and the views that follow from it. */
export class MemorySource implements HubSource {
  readonly epoch: string = "e1";
  /** All that ever happened, pruned or not. */
  readonly history: TroupeEvent[] = [];
  readonly #views = new Map<string, WorkspaceView>();
  #last = 0;
  #first = 1;
  /** How often the journal was read. */
  reads = 0;

  /** Commits the next event of a workspace; what is returned is to be published. */
  commit(workspaceId: string, to = "running", view: Partial<WorkspaceView> = {}): TroupeEvent {
    const position = ++this.#last;
    const event = eventOf({ position, workspaceId, to });
    this.history.push(event);
    if (to === "deleted") this.#views.delete(workspaceId);
    else this.#views.set(workspaceId, viewOf({ id: workspaceId, state: to, ...view }));
    return event;
  }

  /** Shows a state of which nothing is committed yet. */
  runAhead(workspaceId: string, state: string): void {
    this.#views.set(workspaceId, viewOf({ id: workspaceId, state }));
  }

  /** Drops the events up to and including `position`. */
  prune(position: number): void {
    this.#first = Math.max(this.#first, Math.min(position, this.#last) + 1);
  }

  bounds() {
    return { first: this.#first, last: this.#last };
  }

  events({ workspaceId, after, limit }: Parameters<HubSource["events"]>[0]) {
    this.reads += 1;
    const from = Math.max(after + 1, this.#first);
    return this.history
      .filter((event) => event.position >= from && (workspaceId === undefined || event.workspaceId === workspaceId))
      .slice(0, limit);
  }

  view(workspaceId: string) {
    return this.#views.get(workspaceId);
  }

  views({ after, limit }: Parameters<HubSource["views"]>[0]) {
    const ids = [...this.#views.keys()];
    const from = after === undefined ? 0 : Number(after);
    const rows = ids.slice(from, from + limit).flatMap((id) => this.#views.get(id) ?? []);
    return { rows, next: from + limit < ids.length ? String(from + limit) : null };
  }
}

export function eventOf(parts: Partial<TroupeEvent> & { readonly position: number }): TroupeEvent {
  return {
    workspaceId: "w1",
    instanceId: parts.to === "deleted" ? null : "i1",
    sequence: parts.position,
    at: 1_000 + parts.position,
    source: { kind: "workspace" },
    from: null,
    to: "running",
    status: "RUNNING",
    cause: "test",
    deadlineAt: null,
    budgetMs: null,
    failure: null,
    data: {},
    ...parts,
  };
}

export function viewOf(parts: Partial<WorkspaceView> = {}): WorkspaceView {
  return {
    id: "w1",
    name: parts.id ?? "w1",
    owner: "me",
    state: "stopped",
    since: 1_000,
    deadlineAt: null,
    budgetMs: null,
    failure: null,
    status: "STOPPED",
    desired: "stopped",
    attributes: {},
    createdAt: 1_000,
    updatedAt: 1_000,
    version: 1,
    instanceId: null,
    nextInstanceId: null,
    environment: null,
    infrastructure: null,
    startedAt: null,
    readyAt: null,
    stoppedAt: null,
    stopReason: null,
    warnings: [],
    machines: {},
    ...parts,
  };
}
