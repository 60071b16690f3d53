import { TroupeError } from "../errors.ts";
import type { WorkspaceStatus } from "../model/workspace.ts";
import { type Bytes, bytesOf, decode, encode, text } from "./codec.ts";
import type { JournalFile, SqlValue, Statement } from "./journal-file.ts";
import { pageAfter, pageToken } from "./page-token.ts";
import type { Page, WorkspaceQuery, WorkspaceRow } from "./spi.ts";

interface Row {
  readonly seq: number;
  readonly workspace_id: Bytes;
  readonly owner: Bytes;
  readonly name: Bytes;
  readonly version: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly deleting_since: number | null;
  readonly instance_id: Bytes | null;
  readonly status: Bytes;
  readonly attributes: Bytes;
  readonly config: Bytes;
}

/** A row of a list, with its place in the order of creation. */
interface Listed {
  readonly seq: number;
  readonly workspace: WorkspaceRow;
}

const COLUMNS = [
  ...["seq", "version", "created_at", "updated_at", "deleting_since"],
  ...["workspace_id", "owner", "name", "instance_id", "status", "attributes", "config"].map(bytesOf),
].join(", ");

/** The records of the workspaces. Transactions are the caller's. */
export class WorkspaceTable {
  readonly #insert: Statement<never>;
  readonly #update: Statement<never>;
  readonly #markDeleting: Statement<never>;
  readonly #setInstance: Statement<never>;
  readonly #setStatus: Statement<never>;
  readonly #delete: Statement<never>;
  readonly #byId: Statement<WorkspaceRow>;
  readonly #byName: Statement<WorkspaceRow>;
  readonly #deleting: Statement<WorkspaceRow>;
  readonly #list: Statement<Listed>;
  readonly #listByOwner: Statement<Listed>;
  readonly #listByStatus: Statement<Listed>;
  readonly #listByOwnerAndStatus: Statement<Listed>;
  readonly #counts: Statement<readonly [WorkspaceStatus, number]>;

  constructor(file: JournalFile) {
    this.#insert = file.prepare(
      `INSERT INTO workspaces (workspace_id, owner, name, version, created_at, updated_at, deleting_since, instance_id,
         status, attributes, config) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#update = file.prepare(
      `UPDATE workspaces SET owner = ?, name = ?, version = ?, updated_at = ?, attributes = ?, config = ?
       WHERE workspace_id = ? AND version = ?`,
    );
    this.#markDeleting = file.prepare(
      "UPDATE workspaces SET deleting_since = ? WHERE workspace_id = ? AND deleting_since IS NULL",
    );
    this.#setInstance = file.prepare("UPDATE workspaces SET instance_id = ? WHERE workspace_id = ?");
    this.#setStatus = file.prepare(
      "UPDATE workspaces SET status = ?1 WHERE workspace_id = ?2 AND instance_id = ?3 AND status <> ?1",
    );
    this.#delete = file.prepare("DELETE FROM workspaces WHERE workspace_id = ?");
    this.#byId = file.prepare(`SELECT ${COLUMNS} FROM workspaces WHERE workspace_id = ?`, workspaceRow);
    this.#byName = file.prepare(`SELECT ${COLUMNS} FROM workspaces WHERE owner = ? AND name = ?`, workspaceRow);
    this.#deleting = file.prepare(
      `SELECT ${COLUMNS} FROM workspaces INDEXED BY deleting_workspaces WHERE deleting_since IS NOT NULL ORDER BY seq`,
      workspaceRow,
    );
    const list = (where: string) =>
      file.prepare(`SELECT ${COLUMNS} FROM workspaces WHERE ${where} seq > ? ORDER BY seq LIMIT ?`, listed);
    this.#list = list("");
    this.#listByOwner = list("owner = ? AND");
    this.#listByStatus = list("status = ? AND");
    this.#listByOwnerAndStatus = list("owner = ? AND status = ? AND");
    this.#counts = file.prepare(`SELECT ${bytesOf("status")}, count FROM workspace_counts`, statusCount);
  }

  create(row: WorkspaceRow): void {
    if (this.get(row.workspaceId) !== undefined) {
      throw new TroupeError("WORKSPACE_EXISTS", `Cannot create workspace "${row.workspaceId}": the id is taken`, {
        details: { workspaceId: row.workspaceId },
      });
    }
    this.#requireFreeName(row, "create");
    this.#insert.run(
      row.workspaceId,
      row.owner,
      row.name,
      row.version,
      row.createdAt,
      row.updatedAt,
      row.deletingSince,
      row.instanceId,
      row.status,
      encode(row.attributes),
      encode(row.config),
    );
  }

  update(row: WorkspaceRow): void {
    const expected = row.version - 1;
    const current = this.require(row.workspaceId, "update").version;
    if (current !== expected) {
      throw new TroupeError(
        "WORKSPACE_CONFLICT",
        `Cannot update workspace "${row.workspaceId}" over version ${expected}: current version is ${current}`,
        { details: { workspaceId: row.workspaceId, expected, current } },
      );
    }
    this.#requireFreeName(row, "update");
    this.#update.run(
      row.owner,
      row.name,
      row.version,
      row.updatedAt,
      encode(row.attributes),
      encode(row.config),
      row.workspaceId,
      expected,
    );
  }

  markDeleting(workspaceId: string, at: number): void {
    this.require(workspaceId, "delete");
    this.#markDeleting.run(at, workspaceId);
  }

  setInstance(workspaceId: string, instanceId: string): void {
    this.#setInstance.run(instanceId, workspaceId);
  }

  /** Nothing happens unless `instanceId` is the workspace's current instance. */
  setStatus(workspaceId: string, instanceId: string, status: string): void {
    this.#setStatus.run(status, workspaceId, instanceId);
  }

  delete(workspaceId: string): void {
    this.#delete.run(workspaceId);
  }

  get(workspaceId: string): WorkspaceRow | undefined {
    return this.#byId.get(workspaceId);
  }

  /** @throws {TroupeError} `WORKSPACE_NOT_FOUND`, saying what could not be done. */
  require(workspaceId: string, verb: string): WorkspaceRow {
    const row = this.get(workspaceId);
    if (row !== undefined) return row;
    throw new TroupeError("WORKSPACE_NOT_FOUND", `Cannot ${verb} workspace "${workspaceId}": there is none`, {
      details: { workspaceId },
    });
  }

  getByName(owner: string, name: string): WorkspaceRow | undefined {
    return this.#byName.get(owner, name);
  }

  /** Those that are marked as to be deleted. */
  deleting(): readonly WorkspaceRow[] {
    return this.#deleting.all();
  }

  list({ owner, status, after, limit }: WorkspaceQuery): Page<WorkspaceRow> {
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) {
      throw new TroupeError("REQUEST_INVALID", `Cannot list workspaces: limit is ${limit}, not 1 to 1000`, {
        details: { limit },
      });
    }
    const window: SqlValue[] = [pageAfter(after), limit + 1];
    const found = this.#select(owner, status, window);
    const rows = found.slice(0, limit);
    const last = rows.at(-1);
    return {
      rows: rows.map((row) => row.workspace),
      next: found.length > limit && last !== undefined ? pageToken(last.seq) : null,
    };
  }

  counts(): Record<WorkspaceStatus, number> {
    return { STARTING: 0, RUNNING: 0, STOPPING: 0, STOPPED: 0, ...Object.fromEntries(this.#counts.all()) };
  }

  #select(owner: string | undefined, status: string | undefined, window: readonly SqlValue[]): readonly Listed[] {
    if (owner !== undefined && status !== undefined) return this.#listByOwnerAndStatus.all(owner, status, ...window);
    if (owner !== undefined) return this.#listByOwner.all(owner, ...window);
    if (status !== undefined) return this.#listByStatus.all(status, ...window);
    return this.#list.all(...window);
  }

  #requireFreeName({ workspaceId, owner, name }: WorkspaceRow, verb: string): void {
    const holder = this.#byName.get(owner, name);
    if (holder === undefined || holder.workspaceId === workspaceId) return;
    throw new TroupeError("WORKSPACE_EXISTS", `Cannot ${verb} workspace "${name}": "${owner}" has one of that name`, {
      details: { owner, name, workspaceId: holder.workspaceId },
    });
  }
}

function listed(row: Row): Listed {
  return { seq: row.seq, workspace: workspaceRow(row) };
}

function workspaceRow(row: Row): WorkspaceRow {
  return {
    workspaceId: text(row.workspace_id),
    owner: text(row.owner),
    name: text(row.name),
    config: decode(row.config),
    attributes: decode(row.attributes),
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    instanceId: row.instance_id === null ? null : text(row.instance_id),
    status: text(row.status) as WorkspaceStatus,
    deletingSince: row.deleting_since,
  };
}

function statusCount(row: { readonly status: Bytes; readonly count: number }): readonly [WorkspaceStatus, number] {
  return [text(row.status) as WorkspaceStatus, row.count];
}
