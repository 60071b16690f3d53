import { fc, test } from "@fast-check/vitest";
import { afterEach, describe, expect } from "vitest";
import type { Journal } from "../../src/journal/spi.ts";
import { sqliteJournal } from "../../src/journal/sqlite.ts";
import { memoryJournal } from "../../src/testing/memory-journal.ts";
import { instanceRow, newEvent, T0, workspaceRow } from "../journal/rows.ts";

const workspaceId = fc.constantFrom("ws-1", "ws-2");
const instanceId = fc.constantFrom("i-1", "i-2", "i-3");
const sources = [
  { kind: "workspace" },
  { kind: "machine", machine: "web" },
  { kind: "server", machine: "web", name: "http" },
] as const;
const source = fc.constantFrom(...sources);
const status = fc.constantFrom("STARTING", "RUNNING", "STOPPED");
const at = fc.integer({ min: T0, max: T0 + 9 });

/** Something that a supervisor asks of its journal. */
type Call = (journal: Journal) => unknown;

const calls: fc.Arbitrary<Call> = fc.oneof(
  fc.tuple(workspaceId, fc.constantFrom("shop", "blog")).map(
    ([id, name]): Call =>
      (journal) =>
        // An id is never given twice: what the journals would number anew is nobody's business.
        journal.events({ workspaceId: id, after: 0, limit: 1 }).length === 0 &&
        journal.createWorkspace(workspaceRow(id, { name }), newEvent(id, null, { to: "created" })),
  ),
  fc.tuple(workspaceId, fc.constantFrom("shop", "blog"), fc.integer({ min: 1, max: 4 })).map(
    ([id, name, version]): Call =>
      (journal) =>
        journal.updateWorkspace(workspaceRow(id, { name, version }), newEvent(id, null, { to: "updated" })),
  ),
  fc.tuple(workspaceId, at).map(
    ([id, time]): Call =>
      (journal) =>
        journal.markDeleting(id, time),
  ),
  workspaceId.map(
    (id): Call =>
      (journal) =>
        journal.deleteWorkspace(id, newEvent(id, null, { to: "deleted" })),
  ),
  fc.tuple(workspaceId, instanceId).map(
    ([id, instance]): Call =>
      (journal) =>
        // An id is given once.
        journal.instance(instance) === undefined && journal.createInstance(instanceRow(id, instance)),
  ),
  fc.tuple(workspaceId, instanceId).map(
    ([id, instance]): Call =>
      (journal) =>
        journal.makeCurrent({ workspaceId: id, instanceId: instance }),
  ),
  fc.tuple(workspaceId, instanceId, fc.boolean()).map(
    ([id, instance, forced]): Call =>
      (journal) =>
        journal.intend({ workspaceId: id, instanceId: instance }, { desired: "stopped", forced, stopReason: null }),
  ),
  fc.tuple(workspaceId, instanceId, source, status, at).map(
    ([id, instance, of, to, time]): Call =>
      (journal) =>
        journal.instance(instance)?.workspaceId === id &&
        journal.append({
          events: [newEvent(id, instance, { source: of, status: to, to, at: time, data: { of } })],
          instances: [{ instanceId: instance, readyAt: time }],
          deadlines: [{ instanceId: instance, source: of, state: to, at: to === "STOPPED" ? null : time }],
        }),
  ),
  fc.tuple(instanceId, at).map(
    ([instance, stoppedAt]): Call =>
      (journal) =>
        journal.append({ events: [], instances: [{ instanceId: instance, stoppedAt }] }),
  ),
  fc.tuple(workspaceId, instanceId, fc.subarray(["4711", "4712"]), at).map(
    ([id, instance, pids, time]): Call =>
      (journal) =>
        journal.recordLeaks(
          { workspaceId: id, instanceId: instance },
          "process",
          pids.map((pid) => ({ kind: "process", id: pid, reason: "hangs" })),
          time,
        ),
  ),
);

const opened: Journal[] = [];
afterEach(() => {
  for (const journal of opened.splice(0)) journal.close();
});

describe("memoryJournal", () => {
  test.prop([fc.array(calls, { maxLength: 40 })], { numRuns: 200 })("answers whatever SQLite's answers", (script) => {
    const memory = memoryJournal();
    const sqlite = sqliteJournal({ file: ":memory:" });
    opened.push(sqlite);

    for (const call of script) {
      expect(outcomeOf(() => call(memory))).toEqual(outcomeOf(() => call(sqlite)));
      expect(stateOf(memory)).toEqual(stateOf(sqlite));
    }
  });

  test("is closed when it is closed", () => {
    const journal = memoryJournal();
    journal.close();

    expect(() => journal.bounds()).toThrow(expect.objectContaining({ code: "SUPERVISOR_CLOSED" }));
  });
});

function outcomeOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}

/** All that can be asked, in the order in which nothing is promised about order. */
function stateOf(journal: Journal): unknown {
  const sorted = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row, sortedKeys)).sort();
  const instances = ["i-1", "i-2", "i-3"];
  return {
    workspaces: ["ws-1", "ws-2"].map((id) => journal.workspace(id)),
    byName: journal.workspaceByName("ada", "shop"),
    page: journal.workspaces({ limit: 10 }).rows,
    deleting: journal.deletingWorkspaces(),
    counts: journal.countWorkspaces(),
    instances: instances.map((id) => journal.instance(id)),
    active: journal.activeInstances(),
    actors: instances.map((id) => sorted(journal.actors(id))),
    deadlines: instances.map((id) => sorted(journal.deadlines(id))),
    events: journal.events({ after: 0, limit: 100 }),
    eventsOfOne: journal.events({ workspaceId: "ws-1", instanceId: "i-1", after: 1, limit: 3 }),
    bounds: journal.bounds(),
    leaks: sorted(journal.leaks()),
  };
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
