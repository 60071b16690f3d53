import type { InstanceRef, Leak } from "../infrastructure/spi.ts";
import { type Bytes, bytesOf, text } from "./codec.ts";
import type { JournalFile, Statement } from "./journal-file.ts";
import type { LeakRow } from "./spi.ts";

interface Row {
  readonly workspace_id: Bytes;
  readonly instance_id: Bytes;
  readonly infrastructure: Bytes;
  readonly kind: Bytes;
  readonly id: Bytes;
  readonly reason: Bytes;
  readonly since: number;
  readonly attempts: number;
}

/** What could not be removed. It outlives its instance and its workspace: only removal ends a leak. */
export class LeakTable {
  readonly #insert: Statement<never>;
  readonly #deleteOf: Statement<never>;
  readonly #of: Statement<LeakRow>;
  readonly #all: Statement<LeakRow>;

  constructor(file: JournalFile) {
    const texts = ["workspace_id", "instance_id", "infrastructure", "kind", "id", "reason"].map(bytesOf).join(", ");
    const select = `SELECT ${texts}, since, attempts FROM leaks`;
    this.#insert = file.prepare(
      `INSERT INTO leaks (workspace_id, instance_id, infrastructure, kind, id, reason, since, attempts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET reason = excluded.reason`,
    );
    this.#deleteOf = file.prepare("DELETE FROM leaks WHERE instance_id = ?");
    this.#of = file.prepare(`${select} WHERE instance_id = ?`, leakRow);
    this.#all = file.prepare(select, leakRow);
  }

  /** What was known before keeps its age, and counts one more attempt. */
  replace({ workspaceId, instanceId }: InstanceRef, infrastructure: string, leaks: readonly Leak[], at: number): void {
    const known = new Map(this.#of.all(instanceId).map((row) => [keyOf(row), row]));
    this.#deleteOf.run(instanceId);
    for (const leak of leaks) {
      const { since, attempts } = known.get(keyOf(leak)) ?? { since: at, attempts: 0 };
      this.#insert.run(workspaceId, instanceId, infrastructure, leak.kind, leak.id, leak.reason, since, attempts + 1);
    }
  }

  all(): readonly LeakRow[] {
    return this.#all.all();
  }
}

function keyOf({ kind, id }: { readonly kind: string; readonly id: string }): string {
  return JSON.stringify([kind, id]);
}

function leakRow(row: Row): LeakRow {
  return {
    workspaceId: text(row.workspace_id),
    instanceId: text(row.instance_id),
    infrastructure: text(row.infrastructure),
    kind: text(row.kind),
    id: text(row.id),
    reason: text(row.reason),
    since: row.since,
    attempts: row.attempts,
  };
}
