import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fc, test } from "@fast-check/vitest";
import { afterAll, expect } from "vitest";
import { sqliteJournal } from "../../src/journal/sqlite.ts";
import type { TroupeEvent } from "../../src/model/workspace.ts";
import { instanceRow, newEvent, T0, workspaceRow } from "./rows.ts";

const directory = mkdtempSync(join(tmpdir(), "troupe-sequences-"));
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;

const workspace = fc.constantFrom("a", "b", "c");
const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("start" as const), workspace }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end" as const), workspace }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      events: fc.array(fc.record({ workspace, ofRecord: fc.boolean() }), { maxLength: 8 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("prune" as const), laterMs: fc.nat(2_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), workspace }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const) }) },
);

/** Numbers of one instance or record, in order: each the successor of the one before. */
function expectNoHoles(events: readonly TroupeEvent[]): void {
  const last = new Map<string, number>();
  for (const { workspaceId, instanceId, sequence } of events) {
    const key = `${workspaceId} ${instanceId}`;
    const before = last.get(key);
    if (before !== undefined) expect(sequence).toBe(before + 1);
    last.set(key, sequence);
  }
}

test.prop([fc.array(step, { minLength: 5, maxLength: 40 })], { numRuns: 60 })(
  "whatever is created, appended, pruned, deleted and reopened: positions increase, sequences have no holes, bounds are true",
  (steps) => {
    const options = {
      file: join(directory, `${++files}.db`),
      retention: { eventsPerWorkspace: 6, instancesPerWorkspace: 2, recordEventsMs: 1_000 },
    };
    let journal = sqliteJournal(options);
    const given: TroupeEvent[] = [];
    const current = new Map<string, string>();
    const deleted = new Set<string>();
    let created = 0;

    for (const action of steps) {
      switch (action.do) {
        case "start": {
          const instanceId = `i-${++created}`;
          // A deleted workspace's id never comes back: ids are random.
          const workspaceId = `${action.workspace}${[...deleted].filter((id) => id.startsWith(action.workspace)).length}`;
          if (journal.workspace(workspaceId) === undefined) journal.createWorkspace(workspaceRow(workspaceId));
          journal.createInstance(instanceRow(workspaceId, instanceId));
          current.set(action.workspace, `${workspaceId} ${instanceId}`);
          break;
        }
        case "end":
        case "delete": {
          const [workspaceId = "", instanceId = ""] = current.get(action.workspace)?.split(" ") ?? [];
          if (instanceId === "") break;
          if (action.do === "end") journal.append({ events: [], instances: [{ instanceId, stoppedAt: T0 }] });
          else {
            journal.deleteWorkspace(workspaceId);
            deleted.add(workspaceId);
            current.delete(action.workspace);
          }
          break;
        }
        case "append": {
          const events = action.events.flatMap(({ workspace, ofRecord }) => {
            const [workspaceId, instanceId] = current.get(workspace)?.split(" ") ?? [];
            if (workspaceId === undefined || instanceId === undefined) return [];
            return [newEvent(workspaceId, ofRecord ? null : instanceId, { at: T0 + given.length * 100 })];
          });
          given.push(...journal.append({ events, instances: [] }));
          break;
        }
        case "prune":
          while (journal.prune(T0 + action.laterMs));
          break;
        case "reopen":
          journal.close();
          journal = sqliteJournal(options);
      }

      expect(given.map((event) => event.position)).toEqual(given.map((_, index) => index + 1));
      expectNoHoles(given);
      const stored = journal.events({ after: 0, limit: 10_000 });
      expectNoHoles(stored);
      const { first, last } = journal.bounds();
      expect(last).toBe(given.length);
      const promised = given.filter(
        (event) => event.position >= first && (event.instanceId === null || !deleted.has(event.workspaceId)),
      );
      const kept = stored.filter((event) => event.position >= first);
      expect(kept).toEqual(promised);
      for (const [workspaceId] of new Set([...current.values()].map((ids) => ids.split(" ")))) {
        if (workspaceId === undefined) continue;
        const own = journal.bounds(workspaceId);
        expect(own.first).toBeLessThanOrEqual(first);
        expect(journal.events({ workspaceId, after: own.first - 1, limit: 10_000 })).toEqual(
          given.filter((event) => event.workspaceId === workspaceId && event.position >= own.first),
        );
      }
    }
    journal.close();
  },
);
