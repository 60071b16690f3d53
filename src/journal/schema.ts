/** The journal's tables, and how a file comes to have them. */

/** In the file's header, so that nothing else is taken for a journal: "trpe" in ASCII. */
export const APPLICATION_ID = 0x74727065;

/**
 * Entry n brings a file from version n to n + 1. What was once released is never edited, only added to.
 *
 * - Every index ends in the row's number, so `owner = ? AND seq > ?` is one seek and needs no sorting.
 * - Numbers come from AUTOINCREMENT: those of deleted rows are never given again.
 * - Wide columns come last: what stands before them is read without them.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('epoch', lower(hex(randomblob(8))));

  CREATE TABLE workspaces (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleting_since INTEGER,
    instance_id TEXT,
    status TEXT NOT NULL,
    record_sequence INTEGER NOT NULL DEFAULT 0, -- of its last event without instance
    pruned_to INTEGER NOT NULL DEFAULT 0,       -- position of the last event of it that was pruned
    attributes TEXT NOT NULL,
    config TEXT NOT NULL,
    UNIQUE (owner, name)
  ) STRICT;
  CREATE INDEX workspaces_by_owner ON workspaces (owner);
  CREATE INDEX workspaces_by_status ON workspaces (status);
  CREATE INDEX workspaces_by_owner_and_status ON workspaces (owner, status);
  CREATE INDEX deleting_workspaces ON workspaces (seq) WHERE deleting_since IS NOT NULL;

  -- Counted as they change, in the same transaction: a count costs four rows, however many workspaces there are.
  CREATE TABLE workspace_counts (status TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO workspace_counts VALUES ('STARTING', 0), ('RUNNING', 0), ('STOPPING', 0), ('STOPPED', 0);
  CREATE TRIGGER count_created AFTER INSERT ON workspaces BEGIN
    UPDATE workspace_counts SET count = count + 1 WHERE status = NEW.status;
  END;
  CREATE TRIGGER count_deleted AFTER DELETE ON workspaces BEGIN
    UPDATE workspace_counts SET count = count - 1 WHERE status = OLD.status;
  END;
  CREATE TRIGGER count_changed AFTER UPDATE OF status ON workspaces BEGIN
    UPDATE workspace_counts SET count = count - 1 WHERE status = OLD.status;
    UPDATE workspace_counts SET count = count + 1 WHERE status = NEW.status;
  END;

  CREATE TABLE instances (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id TEXT NOT NULL UNIQUE,
    workspace_id TEXT NOT NULL,
    infrastructure TEXT NOT NULL,
    desired TEXT NOT NULL,
    forced INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    ready_at INTEGER,
    stopped_at INTEGER,
    stop_reason TEXT,
    failure TEXT,
    warnings TEXT NOT NULL,
    last_output TEXT NOT NULL,
    environment TEXT NOT NULL
  ) STRICT;
  CREATE INDEX instances_by_workspace ON instances (workspace_id);
  CREATE INDEX active_instances ON instances (seq) WHERE stopped_at IS NULL;

  CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    workspace_id TEXT NOT NULL,
    instance_id TEXT,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX events_by_workspace ON events (workspace_id);
  CREATE INDEX events_by_instance ON events (instance_id); -- NULL first: all events of records, oldest first
  CREATE INDEX record_events_by_workspace ON events (workspace_id) WHERE instance_id IS NULL;

  CREATE TABLE actors (
    instance_id TEXT NOT NULL,
    source TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL, -- as in its last event
    PRIMARY KEY (instance_id, source)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE deadlines (
    instance_id TEXT NOT NULL,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (instance_id, source, state)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leaks (
    instance_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    workspace_id TEXT NOT NULL,
    infrastructure TEXT NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    PRIMARY KEY (instance_id, kind, id)
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The version that this troupe writes and reads. */
export const SCHEMA_VERSION = migrations.length;

/** SQL that brings a file from `version` to {@link SCHEMA_VERSION}: in one transaction, or not at all. */
export function migration(version: number): string {
  return `
    BEGIN EXCLUSIVE;
    ${migrations.slice(version).join("")}
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${SCHEMA_VERSION};
    COMMIT;
  `;
}
