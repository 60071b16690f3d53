import type { Source } from "../../machines/port.ts";
import type { TroupeEvent } from "../model/workspace.ts";
import { type Bytes, bytesOf, decode, encode, text } from "./codec.ts";
import type { JournalFile, Statement } from "./journal-file.ts";
import type { ActorRow, EventQuery, NewEvent } from "./spi.ts";

/** What an event says, apart from whose it is and which number it has; one column. */
type Body = Pick<
  TroupeEvent,
  "source" | "from" | "to" | "status" | "cause" | "deadlineAt" | "budgetMs" | "failure" | "data"
>;

interface Row {
  readonly position: number;
  readonly workspace_id: Bytes;
  readonly instance_id: Bytes | null;
  readonly sequence: number;
  readonly at: number;
  readonly body: Bytes;
}

/** Last sequences kept in memory; any other costs one seek. */
const MAX_CACHED_SEQUENCES = 10_000;

/** The events, and the last one of each actor. Transactions are the caller's; it says when one was undone. */
export class EventTable {
  readonly #insert: Statement<never>;
  readonly #remember: Statement<never>;
  readonly #countRecord: Statement<never>;
  readonly #lastOfInstance: Statement<{ readonly sequence: number }>;
  readonly #lastOfRecord: Statement<{ readonly sequence: number }>;
  readonly #lastPosition: Statement<{ readonly position: number }>;
  readonly #all: Statement<TroupeEvent>;
  readonly #byWorkspace: Statement<TroupeEvent>;
  readonly #byInstance: Statement<TroupeEvent>;
  readonly #actors: Statement<ActorRow>;
  readonly #sequences = new Map<string, number>();
  #last: number;

  constructor(file: JournalFile) {
    this.#insert = file.prepare(
      "INSERT INTO events (position, workspace_id, instance_id, sequence, at, body) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#remember = file.prepare(
      `INSERT INTO actors (instance_id, source, sequence, at, body) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET sequence = excluded.sequence, at = excluded.at, body = excluded.body`,
    );
    this.#countRecord = file.prepare("UPDATE workspaces SET record_sequence = ? WHERE workspace_id = ?");
    // Every event is the last of its actor for a while, so the actors know the last sequence, whatever was pruned.
    this.#lastOfInstance = file.prepare(
      "SELECT coalesce(max(sequence), 0) AS sequence FROM actors WHERE instance_id = ?",
    );
    this.#lastOfRecord = file.prepare(
      `SELECT coalesce(
         (SELECT record_sequence FROM workspaces WHERE workspace_id = ?1),
         (SELECT sequence FROM events WHERE workspace_id = ?1 AND instance_id IS NULL ORDER BY position DESC LIMIT 1),
         0
       ) AS sequence`,
    );
    this.#lastPosition = file.prepare("SELECT seq AS position FROM sqlite_sequence WHERE name = 'events'");
    const texts = ["workspace_id", "instance_id", "body"].map(bytesOf).join(", ");
    const select = `SELECT position, sequence, at, ${texts} FROM events`;
    this.#all = file.prepare(`${select} WHERE position > ? ORDER BY position LIMIT ?`, troupeEvent);
    this.#byWorkspace = file.prepare(
      `${select} INDEXED BY events_by_workspace WHERE workspace_id = ? AND position > ? ORDER BY position LIMIT ?`,
      troupeEvent,
    );
    this.#byInstance = file.prepare(
      `${select} INDEXED BY events_by_instance
       WHERE instance_id = ?1 AND (?2 IS NULL OR workspace_id = ?2) AND position > ?3 ORDER BY position LIMIT ?4`,
      troupeEvent,
    );
    this.#actors = file.prepare(
      `SELECT at, ${bytesOf("instance_id")}, ${bytesOf("body")} FROM actors WHERE instance_id = ? ORDER BY source`,
      actorRow,
    );
    this.#last = this.#readLast();
  }

  /** The last position that was given, 0 if none was. */
  get last(): number {
    return this.#last;
  }

  append(event: NewEvent): TroupeEvent {
    const position = ++this.#last;
    const sequence = this.#nextSequence(event);
    const body = encode(bodyOf(event));
    this.#insert.run(position, event.workspaceId, event.instanceId, sequence, event.at, body);
    if (event.instanceId === null) this.#countRecord.run(sequence, event.workspaceId);
    else this.#remember.run(event.instanceId, sourceText(event.source), sequence, event.at, body);
    return { ...event, position, sequence };
  }

  /** To be called when a transaction with `append` in it was undone: its numbers are given again. */
  undo(): void {
    this.#sequences.clear();
    this.#last = this.#readLast();
  }

  find({ workspaceId, instanceId, after, limit }: EventQuery): readonly TroupeEvent[] {
    if (instanceId !== undefined) {
      return this.#byInstance.all(instanceId, workspaceId ?? null, after, limit);
    }
    if (workspaceId !== undefined) return this.#byWorkspace.all(workspaceId, after, limit);
    return this.#all.all(after, limit);
  }

  actors(instanceId: string): readonly ActorRow[] {
    return this.#actors.all(instanceId);
  }

  #nextSequence({ workspaceId, instanceId }: NewEvent): number {
    const key = instanceId === null ? `record ${workspaceId}` : `instance ${instanceId}`;
    const last = this.#sequences.get(key) ?? this.#readSequence(workspaceId, instanceId);
    this.#sequences.set(key, last + 1);
    if (this.#sequences.size > MAX_CACHED_SEQUENCES) this.#forgetOldestSequence();
    return last + 1;
  }

  #readSequence(workspaceId: string, instanceId: string | null): number {
    const row = instanceId === null ? this.#lastOfRecord.get(workspaceId) : this.#lastOfInstance.get(instanceId);
    return row?.sequence ?? 0;
  }

  #forgetOldestSequence(): void {
    for (const oldest of this.#sequences.keys()) {
      this.#sequences.delete(oldest);
      return;
    }
  }

  #readLast(): number {
    return this.#lastPosition.get()?.position ?? 0;
  }
}

/** The source that {@link sourceText} made `key` of. */
export function sourceOf(key: string): Source {
  const [machine, kind, name] = JSON.parse(key) as [machine?: string, kind?: "installer" | "server", name?: string];
  if (machine === undefined) return { kind: "workspace" };
  return kind === undefined || name === undefined ? { kind: "machine", machine } : { kind, machine, name };
}

/** A source as a key: no two sources share one, whatever characters their names have. */
export function sourceText(source: Source): string {
  switch (source.kind) {
    case "workspace":
      return "[]";
    case "machine":
      return JSON.stringify([source.machine]);
    case "installer":
    case "server":
      return JSON.stringify([source.machine, source.kind, source.name]);
  }
}

function bodyOf({ source, from, to, status, cause, deadlineAt, budgetMs, failure, data }: NewEvent): Body {
  return { source, from, to, status, cause, deadlineAt, budgetMs, failure, data };
}

function troupeEvent(row: Row): TroupeEvent {
  return {
    position: row.position,
    workspaceId: text(row.workspace_id),
    instanceId: row.instance_id === null ? null : text(row.instance_id),
    sequence: row.sequence,
    at: row.at,
    ...decode<Body>(row.body),
  };
}

function actorRow({ instance_id, at, body }: Pick<Row, "at" | "body"> & { readonly instance_id: Bytes }): ActorRow {
  const { source, to, status, deadlineAt, budgetMs, failure, data } = decode<Body>(body);
  return { instanceId: text(instance_id), source, state: to, status, at, deadlineAt, budgetMs, failure, data };
}
