import { TroupeError } from "../errors.ts";
import type { Journal, Page, WorkspaceQuery, WorkspaceRow } from "../journal/spi.ts";
import { sourceKey, type WorkspaceView } from "../model/workspace.ts";
import { DEFAULT_OWNER, isWorkspaceId } from "./ids.ts";
import type { Roster } from "./roster.ts";
import { workspaceView } from "./view.ts";

/** Answers questions about workspaces: of those that have actors from memory, of all others from the journal. */
export class Reader {
  readonly #journal: Journal;
  readonly #roster: Roster;

  constructor(journal: Journal, roster: Roster) {
    this.#journal = journal;
    this.#roster = roster;
  }

  /** @throws {TroupeError} `WORKSPACE_NOT_FOUND` */
  find(key: string): WorkspaceRow {
    const row = isWorkspaceId(key) ? this.#journal.workspace(key) : this.#byName(key);
    if (row === undefined) {
      throw new TroupeError("WORKSPACE_NOT_FOUND", `Cannot find workspace "${key}": there is none`, {
        details: { key },
      });
    }
    return this.#roster.get(row.workspaceId)?.row ?? row;
  }

  view(workspaceId: string): WorkspaceView | undefined {
    const live = this.#roster.get(workspaceId);
    if (live !== undefined) return live.view;
    const row = this.#journal.workspace(workspaceId);
    return row === undefined ? undefined : this.#stored(row);
  }

  page(query: WorkspaceQuery): Page<WorkspaceView> {
    const { rows, next } = this.#journal.workspaces(query);
    return { rows: rows.map((row) => this.#roster.get(row.workspaceId)?.view ?? this.#stored(row)), next };
  }

  /** `name` is of the default owner, `owner/name` of another; an owner's name may hold slashes itself. */
  #byName(key: string): WorkspaceRow | undefined {
    const slash = key.lastIndexOf("/");
    const owner = slash < 0 ? DEFAULT_OWNER : key.slice(0, slash);
    return this.#journal.workspaceByName(owner, key.slice(slash + 1));
  }

  #stored(row: WorkspaceRow): WorkspaceView {
    if (row.instanceId === null) return workspaceView(row, undefined, new Map());
    const actors = this.#journal.actors(row.instanceId).map((actor) => [sourceKey(actor.source), actor] as const);
    return workspaceView(row, this.#journal.instance(row.instanceId), new Map(actors));
  }
}
