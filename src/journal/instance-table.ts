import { TroupeError } from "../errors.ts";
import { type Bytes, bytesOf, decode, decodeNullable, encode, encodeNullable, text } from "./codec.ts";
import type { JournalFile, SqlValue, Statement } from "./journal-file.ts";
import type { InstanceRow } from "./spi.ts";

interface Row {
  readonly instance_id: Bytes;
  readonly workspace_id: Bytes;
  readonly infrastructure: Bytes;
  readonly desired: Bytes;
  readonly forced: number;
  readonly priority: number;
  readonly created_at: number;
  readonly ready_at: number | null;
  readonly stopped_at: number | null;
  readonly stop_reason: Bytes | null;
  readonly failure: Bytes | null;
  readonly warnings: Bytes;
  readonly last_output: Bytes;
  readonly environment: Bytes;
}

/** What may change of an instance once it was created. */
type Changes = Omit<InstanceRow, "instanceId" | "workspaceId">;

/** Where each field lives, and how it is written there. */
const columns: { readonly [Field in keyof Changes]: readonly [string, (value: Changes[Field]) => SqlValue] } = {
  infrastructure: ["infrastructure", asIs],
  desired: ["desired", asIs],
  forced: ["forced", Number],
  priority: ["priority", asIs],
  createdAt: ["created_at", asIs],
  readyAt: ["ready_at", asIs],
  stoppedAt: ["stopped_at", asIs],
  stopReason: ["stop_reason", encodeNullable],
  failure: ["failure", encodeNullable],
  warnings: ["warnings", encode],
  lastOutput: ["last_output", encode],
  environment: ["environment", encode],
};
const fields = Object.keys(columns) as (keyof Changes)[];
const names = fields.map((field) => columns[field][0]);

/** The starts of the workspaces. Transactions are the caller's. */
export class InstanceTable {
  readonly #insert: Statement<never>;
  /** One for each field: nearly all changes touch one or two of them. */
  readonly #set: ReadonlyMap<keyof Changes, Statement<never>>;
  readonly #byId: Statement<InstanceRow>;
  readonly #active: Statement<InstanceRow>;
  readonly #hasActive: Statement<unknown>;
  readonly #idsOf: Statement<string>;
  readonly #endedBeyond: Statement<string>;
  readonly #delete: Statement<never>;

  constructor(file: JournalFile) {
    this.#insert = file.prepare(
      `INSERT INTO instances (instance_id, workspace_id, ${names.join(", ")}) VALUES (?, ?${", ?".repeat(names.length)})`,
    );
    this.#set = new Map(
      fields.map((field) => [
        field,
        file.prepare(`UPDATE instances SET ${columns[field][0]} = ? WHERE instance_id = ?`),
      ]),
    );
    const numbers = "forced, priority, created_at, ready_at, stopped_at";
    const texts = ["instance_id", "workspace_id", "infrastructure", "desired", "stop_reason", "failure"];
    const wide = ["warnings", "last_output", "environment"];
    const select = `SELECT ${numbers}, ${[...texts, ...wide].map(bytesOf).join(", ")} FROM instances`;
    this.#byId = file.prepare(`${select} WHERE instance_id = ?`, instanceRow);
    this.#active = file.prepare(
      `${select} INDEXED BY active_instances WHERE stopped_at IS NULL ORDER BY seq`,
      instanceRow,
    );
    this.#hasActive = file.prepare(
      "SELECT 1 FROM instances INDEXED BY instances_by_workspace WHERE workspace_id = ? AND stopped_at IS NULL LIMIT 1",
    );
    this.#idsOf = file.prepare(`SELECT ${bytesOf("instance_id")} FROM instances WHERE workspace_id = ?`, instanceId);
    this.#endedBeyond = file.prepare(
      `SELECT ${bytesOf("instance_id")} FROM (
         SELECT instance_id, stopped_at FROM instances WHERE workspace_id = ?1 ORDER BY seq DESC LIMIT -1 OFFSET ?2
       ) WHERE stopped_at IS NOT NULL
         AND instance_id IS NOT (SELECT instance_id FROM workspaces WHERE workspace_id = ?1)`,
      instanceId,
    );
    this.#delete = file.prepare("DELETE FROM instances WHERE instance_id = ?");
  }

  create(row: InstanceRow): void {
    this.#insert.run(row.instanceId, row.workspaceId, ...fields.map((field) => columnValue(row, field)));
  }

  /** Nothing happens if there is no such instance (any more). */
  change(instanceId: string, changes: Partial<Changes>): void {
    for (const field of fields) {
      if (changes[field] !== undefined) this.#set.get(field)?.run(columnValue(changes as Changes, field), instanceId);
    }
  }

  get(instanceId: string): InstanceRow | undefined {
    return this.#byId.get(instanceId);
  }

  /** @throws {TroupeError} `NOT_FOUND`, saying what could not be done. */
  require(instanceId: string, verb: string): InstanceRow {
    const row = this.get(instanceId);
    if (row !== undefined) return row;
    throw new TroupeError("NOT_FOUND", `Cannot ${verb} instance "${instanceId}": there is none`, {
      details: { instanceId },
    });
  }

  active(): readonly InstanceRow[] {
    return this.#active.all();
  }

  hasActive(workspaceId: string): boolean {
    return this.#hasActive.get(workspaceId) !== undefined;
  }

  idsOf(workspaceId: string): readonly string[] {
    return this.#idsOf.all(workspaceId);
  }

  /** Those that have ended, are not the workspace's current one, and are older than its newest `kept`. */
  endedBeyond(workspaceId: string, kept: number): readonly string[] {
    return this.#endedBeyond.all(workspaceId, kept);
  }

  delete(instanceId: string): void {
    this.#delete.run(instanceId);
  }
}

function asIs<Value extends SqlValue>(value: Value): SqlValue {
  return value;
}

function columnValue<Field extends keyof Changes>(row: Changes, field: Field): SqlValue {
  return columns[field][1](row[field]);
}

function instanceRow(row: Row): InstanceRow {
  return {
    instanceId: text(row.instance_id),
    workspaceId: text(row.workspace_id),
    environment: decode(row.environment),
    infrastructure: text(row.infrastructure),
    desired: text(row.desired) as InstanceRow["desired"],
    forced: row.forced === 1,
    priority: row.priority,
    createdAt: row.created_at,
    readyAt: row.ready_at,
    stoppedAt: row.stopped_at,
    stopReason: decodeNullable(row.stop_reason),
    failure: decodeNullable(row.failure),
    warnings: decode(row.warnings),
    lastOutput: decode(row.last_output),
  };
}

function instanceId(row: Pick<Row, "instance_id">): string {
  return text(row.instance_id);
}
