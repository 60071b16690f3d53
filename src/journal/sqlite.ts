/** The journal in one SQLite file. */
import type { TroupeEvent } from "../model/workspace.ts";
import { DeadlineTable } from "./deadline-table.ts";
import { closeEpoch, openEpoch } from "./epoch.ts";
import { EventTable } from "./event-table.ts";
import { InstanceTable } from "./instance-table.ts";
import { JournalFile } from "./journal-file.ts";
import { LeakTable } from "./leak-table.ts";
import { Pruner, type Retention } from "./retention.ts";
import type { Journal, NewEvent, Turn } from "./spi.ts";
import { WorkspaceTable } from "./workspace-table.ts";

export type { Retention } from "./retention.ts";

export interface SqliteJournalOptions {
  /** Made if it does not exist; its directory must. `":memory:"` for a journal that lasts as long as this object. */
  readonly file: string;
  readonly retention?: Partial<Retention>;
}

/**
 * Opens a journal and holds it until `close()`, or until the process ends, however it ends.
 *
 * What must survive a power cut (what somebody asked for) is synced; what a restarted supervisor finds out again by
 * looking (transitions) is not, and costs a tenth: both survive `kill -9`. A sync covers everything before it, so
 * after a power cut the journal is as it was at some moment, and never lacks a part of the middle.
 *
 * @throws {TroupeError} `JOURNAL_DAMAGED` or `JOURNAL_NEWER`, and the file is as it was; `DATA_DIRECTORY_IN_USE` if
 * another journal, here or in another process, holds the file; `CONFIG_INVALID` for a retention that makes no sense.
 */
export function sqliteJournal({ file: path, retention = {} }: SqliteJournalOptions): Journal {
  const file = new JournalFile(path);
  try {
    return journalIn(file, retention);
  } catch (error) {
    file.close();
    throw error;
  }
}

function journalIn(file: JournalFile, retention: Partial<Retention>): Journal {
  const workspaces = new WorkspaceTable(file);
  const instances = new InstanceTable(file);
  const events = new EventTable(file);
  const deadlines = new DeadlineTable(file);
  const leaks = new LeakTable(file);
  const pruner = new Pruner(file, instances, retention);

  const record = ({ events: added, instances: changes, deadlines: moved = [] }: Turn): readonly TroupeEvent[] => {
    const recorded = added.map((event) => events.append(event));
    for (const { source, workspaceId, instanceId, status } of recorded) {
      if (source.kind === "workspace" && instanceId !== null) workspaces.setStatus(workspaceId, instanceId, status);
    }
    for (const { instanceId, ...change } of changes) instances.change(instanceId, change);
    for (const change of moved) deadlines.change(change);
    return recorded;
  };

  /** Numbers that were given in a transaction which is undone are given again. */
  const numbering = <Result>(transaction: () => Result): Result => {
    try {
      return transaction();
    } catch (error) {
      events.undo();
      throw error;
    }
  };

  /** Changes a record, and tells of it. */
  const telling = (told: readonly NewEvent[], change: () => void): readonly TroupeEvent[] =>
    numbering(() =>
      file.durably(() => {
        change();
        return record({ events: told, instances: [] });
      }),
    );

  return {
    epoch: openEpoch(file),

    createWorkspace: (row, ...told) => telling(told, () => workspaces.create(row)),
    updateWorkspace: (row, ...told) => telling(told, () => workspaces.update(row)),
    markDeleting: (workspaceId, at) => file.durably(() => workspaces.markDeleting(workspaceId, at)),
    deleteWorkspace: (workspaceId, ...told) =>
      telling(told, () => {
        for (const instanceId of instances.idsOf(workspaceId)) pruner.deleteInstance(instanceId);
        workspaces.delete(workspaceId);
      }),
    workspace: (workspaceId) => workspaces.get(workspaceId),
    workspaceByName: (owner, name) => workspaces.getByName(owner, name),
    workspaces: (query) => workspaces.list(query),
    deletingWorkspaces: () => workspaces.deleting(),
    countWorkspaces: () => workspaces.counts(),

    createInstance: (row) =>
      file.durably(() => {
        workspaces.require(row.workspaceId, "start");
        const isWaiting = instances.hasActive(row.workspaceId);
        instances.create(row);
        if (!isWaiting) workspaces.setInstance(row.workspaceId, row.instanceId);
      }),
    makeCurrent: ({ workspaceId, instanceId }) => workspaces.setInstance(workspaceId, instanceId),
    intend: ({ instanceId }, intent) =>
      file.durably(() => {
        instances.require(instanceId, "change the intent of");
        instances.change(instanceId, intent);
      }),
    instance: (instanceId) => instances.get(instanceId),
    activeInstances: () => instances.active(),
    actors: (instanceId) => events.actors(instanceId),

    append: (turn) => numbering(() => file.transaction(() => record(turn))),
    events: (query) => events.find(query),
    bounds: (workspaceId) => ({ first: pruner.prunedTo(workspaceId) + 1, last: events.last }),

    deadlines: (instanceId) => deadlines.of(instanceId),

    recordLeaks: (ref, infrastructure, list, at) => file.durably(() => leaks.replace(ref, infrastructure, list, at)),
    leaks: () => leaks.all(),

    prune: (now) => file.transaction(() => pruner.prune(now)),
    close: () => {
      closeEpoch(file);
      file.close();
    },
  };
}
