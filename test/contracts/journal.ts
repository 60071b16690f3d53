import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Failure } from "../../machines/failure.ts";
import type { Source } from "../../machines/port.ts";
import type { Retention } from "../../src/journal/retention.ts";
import type { InstanceRow, Journal, NewEvent, Turn, WorkspaceQuery, WorkspaceRow } from "../../src/journal/spi.ts";
import { instanceRow, newEvent, ofWorkspace, T0, workspaceRow } from "../journal/rows.ts";

export interface OpenJournal {
  readonly journal: Journal;
  /** Closes it and opens it again, as a restarted supervisor would. Absent where nothing outlives `close()`. */
  readonly reopen?: () => Journal;
}

const web: Source = { kind: "machine", machine: "web" };
const failure: Failure = {
  class: "infrastructure",
  code: "MACHINE_EXITED",
  message: 'machine "web" exited with code 3',
  source: web,
  state: "running",
  at: T0,
  budgetMs: null,
  exit: { code: 3, signal: null, oomKilled: false, at: T0 },
  lastLines: ["listening", "out of luck"],
};

/** What every {@link Journal} must do. Call it once per implementation. */
const lastLine = { machine: "web", installer: null, position: 2, at: 1, text: "x" };

export function journalContract(name: string, open: (retention?: Partial<Retention>) => OpenJournal): void {
  describe(`${name} keeps the Journal contract`, () => {
    let opened: OpenJournal;
    let journal: Journal;

    const use = (retention?: Partial<Retention>) => {
      opened = open(retention);
      journal = opened.journal;
    };
    /** What follows must hold for what is stored, not only for what is in memory. */
    const restart = () => {
      if (opened.reopen !== undefined) journal = opened.reopen();
    };
    const create = (workspaceId: string, fields?: Partial<WorkspaceRow>) =>
      journal.createWorkspace(workspaceRow(workspaceId, fields));
    const start = (workspaceId: string, instanceId: string, fields?: Partial<InstanceRow>) =>
      journal.createInstance(instanceRow(workspaceId, instanceId, fields));
    const append = (events: readonly NewEvent[], instances: Turn["instances"] = []) =>
      journal.append({ events, instances });
    const setDeadline = (instanceId: string, source: Source, state: string, at: number | null) =>
      journal.append({ events: [], instances: [], deadlines: [{ instanceId, source, state, at }] });
    const end = (instanceId: string) => append([], [{ instanceId, stoppedAt: T0 }]);
    const pruneAll = (now = T0) => {
      for (let piece = 0; journal.prune(now); piece++) expect(piece).toBeLessThan(1_000);
    };

    beforeEach(() => use());
    afterEach(() => journal.close());

    describe("workspaces", () => {
      test("a created workspace is found by id and by owner and name, as it was", () => {
        const row = workspaceRow("ws-1", { attributes: { team: "Zoë" }, status: "RUNNING", deletingSince: T0 + 1 });
        journal.createWorkspace(row);
        restart();

        expect(journal.workspace("ws-1")).toEqual(row);
        expect(journal.workspaceByName("ada", "ws-1")).toEqual(row);
        expect(journal.workspace("ws-2")).toBeUndefined();
        expect(journal.workspaceByName("bob", "ws-1")).toBeUndefined();
      });

      test("a config keeps values that JSON has no word for", () => {
        const content = { when: new Date(T0), big: 2n ** 70n, set: new Set(["a"]), never: Number.NaN };
        const { config } = workspaceRow("ws-1");
        create("ws-1", { config: { ...config, commands: [content], projects: [{ __proto__: null, a: [null, 1.5] }] } });
        restart();

        expect(journal.workspace("ws-1")?.config.commands).toEqual([content]);
        expect(journal.workspace("ws-1")?.config.projects).toEqual([{ a: [null, 1.5] }]);
      });

      test("a second workspace of the same name or id is refused and changes nothing, another owner's is not", () => {
        create("ws-1", { name: "shop" });

        expect(() => create("ws-2", { name: "shop" })).toThrow(expect.objectContaining({ code: "WORKSPACE_EXISTS" }));
        expect(() => create("ws-1", { name: "new" })).toThrow(expect.objectContaining({ code: "WORKSPACE_EXISTS" }));
        create("ws-3", { name: "shop", owner: "bob" });

        expect(journal.workspaces({ limit: 10 }).rows.map((row) => row.workspaceId)).toEqual(["ws-1", "ws-3"]);
        expect(journal.countWorkspaces().STOPPED).toBe(2);
      });

      test("an update over a stale version fails, names both versions, and changes nothing", () => {
        create("ws-1");
        journal.updateWorkspace(workspaceRow("ws-1", { version: 2, attributes: { a: "1" }, updatedAt: T0 + 5 }));

        expect(() => journal.updateWorkspace(workspaceRow("ws-1", { version: 2, attributes: { a: "2" } }))).toThrow(
          expect.objectContaining({
            code: "WORKSPACE_CONFLICT",
            details: { workspaceId: "ws-1", expected: 1, current: 2 },
          }),
        );
        restart();
        expect(journal.workspace("ws-1")).toMatchObject({ version: 2, attributes: { a: "1" }, updatedAt: T0 + 5 });
      });

      test("an update may rename, but not to a name that is taken", () => {
        create("ws-1");
        create("ws-2");
        journal.updateWorkspace(workspaceRow("ws-1", { version: 2, name: "shop" }));

        expect(journal.workspaceByName("ada", "shop")?.workspaceId).toBe("ws-1");
        expect(journal.workspaceByName("ada", "ws-1")).toBeUndefined();
        expect(() => journal.updateWorkspace(workspaceRow("ws-2", { version: 2, name: "shop" }))).toThrow(
          expect.objectContaining({ code: "WORKSPACE_EXISTS" }),
        );
      });

      test("an update made from an old row does not bring back its status, its instance or its life", () => {
        create("ws-1");
        start("ws-1", "i-1");
        append([newEvent("ws-1", "i-1")]);
        journal.markDeleting("ws-1", T0 + 7);
        journal.updateWorkspace(workspaceRow("ws-1", { version: 2 }));

        expect(journal.workspace("ws-1")).toMatchObject({
          version: 2,
          status: "STARTING",
          instanceId: "i-1",
          deletingSince: T0 + 7,
        });
      });

      test("a change of a record and the events that tell of it are recorded all or none", () => {
        const told = (to: string) => newEvent("ws-1", null, { to });
        const created = journal.createWorkspace(workspaceRow("ws-1"), told("created"));
        const updated = journal.updateWorkspace(workspaceRow("ws-1", { version: 2 }), told("updated"));
        expect(() => journal.createWorkspace(workspaceRow("ws-1"), told("created"))).toThrow();
        expect(() => journal.updateWorkspace(workspaceRow("ws-1", { version: 2 }), told("updated"))).toThrow();
        const deleted = journal.deleteWorkspace("ws-1", told("deleted"));
        restart();

        const events = [...created, ...updated, ...deleted];
        expect(events).toMatchObject([
          { position: 1, sequence: 1, to: "created" },
          { position: 2, sequence: 2, to: "updated" },
          { position: 3, sequence: 3, to: "deleted" },
        ]);
        expect(journal.events({ after: 0, limit: 10 })).toEqual(events);
      });

      test("what there is not cannot be updated or marked", () => {
        const notFound = expect.objectContaining({ code: "WORKSPACE_NOT_FOUND" });
        expect(() => journal.updateWorkspace(workspaceRow("ws-1", { version: 2 }))).toThrow(notFound);
        expect(() => journal.markDeleting("ws-1", T0)).toThrow(notFound);
        expect(() => start("ws-1", "i-1")).toThrow(notFound);
        expect(() => journal.intend({ workspaceId: "ws-1", instanceId: "i-1" }, instanceRow("ws-1", "i-1"))).toThrow(
          expect.objectContaining({ code: "NOT_FOUND" }),
        );
      });

      test("the first wish to delete is the one that is kept", () => {
        create("ws-1");
        journal.markDeleting("ws-1", T0 + 1);
        journal.markDeleting("ws-1", T0 + 2);
        restart();

        expect(journal.workspace("ws-1")?.deletingSince).toBe(T0 + 1);
      });

      test("those that are to be deleted are found until they are", () => {
        for (const n of [3, 1, 2]) create(`ws-${n}`);
        for (const n of [1, 3]) journal.markDeleting(`ws-${n}`, T0);
        restart();
        expect(journal.deletingWorkspaces().map((row) => row.workspaceId)).toEqual(["ws-3", "ws-1"]);

        journal.deleteWorkspace("ws-3");
        expect(journal.deletingWorkspaces()).toEqual([journal.workspace("ws-1")]);
      });

      test("a deleted workspace takes its instances, events, actors and deadlines along, and nobody else's", () => {
        for (const n of [1, 2]) {
          create(`ws-${n}`);
          append([newEvent(`ws-${n}`, null, { to: "created" })]);
          start(`ws-${n}`, `i-${n}`);
          append([newEvent(`ws-${n}`, `i-${n}`)]);
          setDeadline(`i-${n}`, ofWorkspace, "starting", T0);
        }
        journal.deleteWorkspace("ws-1");
        journal.deleteWorkspace("ws-1");
        restart();

        expect(journal.workspace("ws-1")).toBeUndefined();
        expect(journal.instance("i-1")).toBeUndefined();
        expect(journal.actors("i-1")).toEqual([]);
        expect(journal.events({ workspaceId: "ws-1", after: 0, limit: 10 })).toMatchObject([{ to: "created" }]);
        expect(journal.deadlines("i-1")).toEqual([]);
        expect(journal.events({ workspaceId: "ws-2", after: 0, limit: 10 })).toHaveLength(2);
        expect(journal.actors("i-2")).toHaveLength(1);
        expect(journal.deadlines("i-2")).toEqual([{ source: ofWorkspace, state: "starting", at: T0 }]);
        expect(journal.activeInstances().map((row) => row.instanceId)).toEqual(["i-2"]);
      });

      test("counts follow every creation, transition and deletion", () => {
        for (const n of [1, 2, 3]) create(`ws-${n}`);
        for (const n of [1, 2]) start(`ws-${n}`, `i-${n}`);
        append([newEvent("ws-1", "i-1"), newEvent("ws-2", "i-2")]);
        append([newEvent("ws-1", "i-1", { status: "RUNNING" }), newEvent("ws-1", "i-1", { status: "RUNNING" })]);
        journal.deleteWorkspace("ws-3");
        restart();

        expect(journal.countWorkspaces()).toEqual({ STARTING: 1, RUNNING: 1, STOPPING: 0, STOPPED: 0 });
      });
    });

    describe("pages of workspaces", () => {
      beforeEach(() => {
        for (let n = 0; n < 7; n++) {
          create(`ws-${n}`, { owner: n % 2 === 0 ? "ada" : "bob", status: n < 4 ? "RUNNING" : "STOPPED" });
        }
      });

      const all = (query: Pick<WorkspaceQuery, "owner" | "status">, limit: number) => {
        const pages: string[][] = [];
        for (let after = {}; ; ) {
          const { rows, next } = journal.workspaces({ ...query, ...after, limit });
          pages.push(rows.map((row) => row.workspaceId));
          if (next === null) return pages;
          after = { after: next };
        }
      };

      test("come in the order of creation, and the last one says that it is", () => {
        expect(all({}, 3)).toEqual([["ws-0", "ws-1", "ws-2"], ["ws-3", "ws-4", "ws-5"], ["ws-6"]]);
        expect(all({}, 7)).toHaveLength(1);
      });

      test("are filtered by owner, by status, and by both", () => {
        expect(all({ owner: "bob" }, 2)).toEqual([["ws-1", "ws-3"], ["ws-5"]]);
        expect(all({ status: "RUNNING" }, 3)).toEqual([["ws-0", "ws-1", "ws-2"], ["ws-3"]]);
        expect(all({ owner: "ada", status: "STOPPED" }, 1)).toEqual([["ws-4"], ["ws-6"]]);
        expect(all({ owner: "eve" }, 5)).toEqual([[]]);
      });

      test("go on where they were when rows before, at and after the token come and go", () => {
        const { next } = journal.workspaces({ limit: 3 });
        journal.deleteWorkspace("ws-2");
        journal.deleteWorkspace("ws-6");
        restart();
        create("ws-7");

        expect(journal.workspaces({ after: next ?? "", limit: 10 }).rows.map((row) => row.workspaceId)).toEqual([
          "ws-3",
          "ws-4",
          "ws-5",
          "ws-7",
        ]);
      });

      test.each(["", "x", "dzE=", "dzA", "' OR 1=1", "🎭", "dzk5OTk5OTk5OTk5OTk5OTk5OTk"])(
        "refuse the token %j",
        (after) => {
          expect(() => journal.workspaces({ after, limit: 10 })).toThrow(
            expect.objectContaining({ code: "REQUEST_INVALID" }),
          );
        },
      );

      test.each([0, -1, 1.5, 1_001, Number.NaN])("refuse a limit of %d", (limit) => {
        expect(() => journal.workspaces({ limit })).toThrow(expect.objectContaining({ code: "REQUEST_INVALID" }));
      });
    });

    describe("instances", () => {
      beforeEach(() => create("ws-1"));

      test("a created instance is found as it was, and is the workspace's current one", () => {
        const row = instanceRow("ws-1", "i-1", {
          desired: "stopped",
          forced: true,
          priority: -3,
          readyAt: T0 + 1,
          stopReason: { by: "user", message: "enough" },
          failure,
          warnings: [{ code: 4_101, message: "memory is not limited here" }],
          lastOutput: [lastLine],
        });
        journal.createInstance(row);
        restart();

        expect(journal.instance("i-1")).toEqual(row);
        expect(journal.workspace("ws-1")?.instanceId).toBe("i-1");
        expect(journal.workspace("ws-1")?.version).toBe(1);
        expect(journal.instance("i-2")).toBeUndefined();
      });

      test("a start while another instance is active waits until it is made the current one", () => {
        start("ws-1", "i-1");
        start("ws-1", "i-2");
        expect(journal.workspace("ws-1")?.instanceId).toBe("i-1");

        journal.makeCurrent({ workspaceId: "ws-1", instanceId: "i-2" });
        restart();
        expect(journal.workspace("ws-1")?.instanceId).toBe("i-2");
      });

      test("a start after the last instance ended is the current one at once", () => {
        start("ws-1", "i-1");
        end("i-1");
        start("ws-1", "i-2");

        expect(journal.workspace("ws-1")?.instanceId).toBe("i-2");
      });

      test("active instances are those that have not ended, oldest first", () => {
        for (const id of ["i-3", "i-1", "i-2"]) start("ws-1", id);
        end("i-1");
        restart();

        expect(journal.activeInstances().map((row) => row.instanceId)).toEqual(["i-3", "i-2"]);
      });

      test("a changed intent changes nothing else", () => {
        start("ws-1", "i-1");
        const intent = { desired: "stopped", forced: true, stopReason: { by: "user", message: "enough" } } as const;
        journal.intend({ workspaceId: "ws-1", instanceId: "i-1" }, intent);
        restart();

        expect(journal.instance("i-1")).toEqual(instanceRow("ws-1", "i-1", intent));
      });
    });

    describe("events", () => {
      beforeEach(() => {
        create("ws-1");
        create("ws-2");
        start("ws-1", "i-1");
        start("ws-2", "i-2");
      });

      test("get increasing positions, and sequences from 1 for each instance and each record", () => {
        append([newEvent("ws-1", null), newEvent("ws-1", "i-1"), newEvent("ws-2", "i-2")]);
        const added = append([newEvent("ws-1", "i-1"), newEvent("ws-1", null)]);
        restart();
        append([newEvent("ws-2", "i-2"), newEvent("ws-1", "i-1"), newEvent("ws-1", null)]);

        const stored = journal.events({ after: 0, limit: 100 });
        expect(stored.map((event) => event.position)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
        expect(stored.map((event) => `${event.instanceId ?? event.workspaceId} ${event.sequence}`)).toEqual([
          "ws-1 1",
          "i-1 1",
          "i-2 1",
          "i-1 2",
          "ws-1 2",
          "i-2 2",
          "i-1 3",
          "ws-1 3",
        ]);
        expect(stored.slice(3, 5)).toEqual(added);
        expect(journal.bounds()).toEqual({ first: 1, last: 8 });
      });

      test("come back as they were appended", () => {
        const event = newEvent("ws-1", "i-1", {
          at: T0 + 123,
          source: { kind: "server", machine: "web", name: "http" },
          from: null,
          to: "running",
          status: "RUNNING",
          cause: "probe.answered",
          deadlineAt: T0 + 5_000,
          budgetMs: 5_000,
          failure,
          data: { url: "http://127.0.0.1:20000/", nested: { list: [1, null, "ü"] }, seen: new Date(T0) },
        });
        const [added] = append([event]);
        restart();

        expect(added).toEqual({ ...event, position: 1, sequence: 1 });
        expect(journal.events({ after: 0, limit: 1 })).toEqual([added]);
      });

      test("are found after a cursor, for all, for a workspace, for an instance, and never more than asked for", () => {
        append(
          Array.from({ length: 6 }, (_, n) => newEvent(n % 2 === 0 ? "ws-1" : "ws-2", n % 2 === 0 ? "i-1" : "i-2")),
        );
        append([newEvent("ws-1", null)]);
        const positions = (query: Parameters<Journal["events"]>[0]) => journal.events(query).map((e) => e.position);

        expect(positions({ after: 2, limit: 3 })).toEqual([3, 4, 5]);
        expect(positions({ workspaceId: "ws-1", after: 1, limit: 10 })).toEqual([3, 5, 7]);
        expect(positions({ instanceId: "i-1", after: 1, limit: 10 })).toEqual([3, 5]);
        expect(positions({ workspaceId: "ws-1", instanceId: "i-1", after: 0, limit: 2 })).toEqual([1, 3]);
        expect(positions({ workspaceId: "ws-2", instanceId: "i-1", after: 0, limit: 10 })).toEqual([]);
        expect(positions({ after: 7, limit: 10 })).toEqual([]);
      });

      test("of the workspace's chart set the workspace's status, if they are of its current instance", () => {
        append([newEvent("ws-1", "i-1", { status: "STARTING" })]);
        start("ws-1", "i-9");
        append([
          newEvent("ws-1", "i-9", { status: "STOPPING" }),
          newEvent("ws-1", "i-1", { source: web, status: "RUNNING" }),
          newEvent("ws-1", null, { status: "STOPPED" }),
        ]);
        restart();

        expect(journal.workspace("ws-1")).toMatchObject({ status: "STARTING", version: 1, updatedAt: T0 });
      });

      test("each become the last known of their actor", () => {
        const source: Source = { kind: "installer", machine: "a b", name: "c" };
        const twin: Source = { kind: "installer", machine: "a", name: "b c" };
        append([
          newEvent("ws-1", "i-1", { source, to: "running", status: "RUNNING", deadlineAt: T0 + 1, budgetMs: 1 }),
        ]);
        append([
          newEvent("ws-1", "i-1", { source: twin, to: "pending", status: "STARTING" }),
          newEvent("ws-1", "i-1", { source, to: "failed", status: "FAILED", at: T0 + 2, failure, data: { exit: 3 } }),
        ]);
        restart();

        expect(journal.actors("i-1")).toHaveLength(2);
        expect(journal.actors("i-1")).toContainEqual({
          instanceId: "i-1",
          source,
          state: "failed",
          status: "FAILED",
          at: T0 + 2,
          deadlineAt: null,
          budgetMs: null,
          failure,
          data: { exit: 3 },
        });
        expect(journal.actors("i-2")).toEqual([]);
      });

      test("carry changes of instances with them, null included", () => {
        append([newEvent("ws-1", "i-1")], [{ instanceId: "i-1", readyAt: T0 + 3, failure, lastOutput: [lastLine] }]);
        append([], [{ instanceId: "i-1", failure: null, stoppedAt: T0 + 4 }]);
        restart();

        expect(journal.instance("i-1")).toEqual(
          instanceRow("ws-1", "i-1", { readyAt: T0 + 3, stoppedAt: T0 + 4, lastOutput: [lastLine] }),
        );
      });

      test("of a turn are recorded all or none, and a failed turn takes no numbers", () => {
        append([newEvent("ws-1", "i-1")]);
        const unstorable = newEvent("ws-1", "i-1", { at: "yesterday" as unknown as number });

        expect(() => append([newEvent("ws-1", "i-1", { status: "RUNNING" }), unstorable])).toThrow();
        expect(journal.workspace("ws-1")?.status).toBe("STARTING");
        expect(append([newEvent("ws-1", "i-1")])).toMatchObject([{ position: 2, sequence: 2 }]);
        expect(journal.bounds().last).toBe(2);
      });

      test("that come after their workspace was deleted harm nobody in their turn, and are pruned", () => {
        journal.deleteWorkspace("ws-1");
        append(
          [newEvent("ws-1", "i-1"), newEvent("ws-2", "i-2"), newEvent("ws-1", null)],
          [{ instanceId: "i-1", readyAt: 1 }],
        );
        pruneAll();

        expect(journal.events({ after: 0, limit: 10 }).map((event) => event.instanceId)).toEqual(["i-2", null]);
        expect(journal.actors("i-1")).toEqual([]);
      });

      test("of a deleted workspace's record go on counting where they were", () => {
        append([newEvent("ws-1", null), newEvent("ws-1", null)]);
        journal.deleteWorkspace("ws-1");
        restart();

        expect(append([newEvent("ws-1", null)])).toMatchObject([{ sequence: 3 }]);
      });

      test("have an epoch, the same after a restart and another in another journal", () => {
        const { epoch } = journal;
        restart();
        expect(journal.epoch).toBe(epoch);

        const other = open().journal;
        expect(other.epoch).not.toBe(epoch);
        other.close();
      });
    });

    describe("deadlines", () => {
      test("are kept until they are cleared", () => {
        setDeadline("i-1", web, "starting", T0 + 10);
        restart();
        expect(journal.deadlines("i-1")).toEqual([{ source: web, state: "starting", at: T0 + 10 }]);

        setDeadline("i-1", web, "starting", null);
        setDeadline("i-1", web, "starting", null);
        restart();
        expect(journal.deadlines("i-1")).toEqual([]);
      });

      test("of other states, actors and instances are others, and one that is set again is moved", () => {
        setDeadline("i-1", web, "starting", T0 + 1);
        setDeadline("i-1", web, "stopping", T0 + 2);
        setDeadline("i-1", ofWorkspace, "starting", T0 + 3);
        setDeadline("i-2", web, "starting", T0 + 4);
        setDeadline("i-1", web, "starting", T0 + 5);

        expect(
          journal
            .deadlines("i-1")
            .map(({ at }) => at)
            .sort(),
        ).toEqual([T0 + 2, T0 + 3, T0 + 5]);
        expect(journal.deadlines("i-2")).toEqual([{ source: web, state: "starting", at: T0 + 4 }]);
      });
    });

    describe("leaks", () => {
      const ref = { workspaceId: "ws-1", instanceId: "i-1" };
      const process = { kind: "process", id: "4711", reason: "does not end" };
      const directory = { kind: "directory", id: "/tmp/x", reason: "busy" };

      test("keep their age and count attempts until nothing is left", () => {
        journal.recordLeaks(ref, "process", [process, directory], T0);
        journal.recordLeaks(ref, "process", [{ ...process, reason: "still there" }], T0 + 5);
        journal.recordLeaks({ ...ref, instanceId: "i-2" }, "docker", [directory], T0 + 6);
        restart();

        expect(journal.leaks()).toEqual([
          { ...ref, ...process, infrastructure: "process", reason: "still there", since: T0, attempts: 2 },
          { ...ref, ...directory, instanceId: "i-2", infrastructure: "docker", since: T0 + 6, attempts: 1 },
        ]);

        journal.recordLeaks(ref, "process", [], T0 + 9);
        restart();
        expect(journal.leaks().map((leak) => leak.instanceId)).toEqual(["i-2"]);
      });

      test("outlive their workspace", () => {
        create("ws-1");
        start("ws-1", "i-1");
        journal.recordLeaks(ref, "process", [process], T0);
        journal.deleteWorkspace("ws-1");

        expect(journal.leaks()).toHaveLength(1);
      });
    });

    describe("retention", () => {
      const limited = (retention: Partial<Retention>) => {
        journal.close();
        use(retention);
        create("ws-1");
        create("ws-2");
      };
      const many = (count: number, workspaceId: string, instanceId: string | null) =>
        append(Array.from({ length: count }, () => newEvent(workspaceId, instanceId)));

      test("keeps everything that is within its limits", () => {
        create("ws-1");
        start("ws-1", "i-1");
        many(50, "ws-1", "i-1");
        pruneAll();

        expect(journal.bounds()).toEqual({ first: 1, last: 50 });
        expect(journal.events({ after: 0, limit: 100 })).toHaveLength(50);
      });

      test("keeps the newest events of each workspace, and numbers go on", () => {
        limited({ eventsPerWorkspace: 10 });
        start("ws-1", "i-1");
        start("ws-2", "i-2");
        many(3, "ws-2", "i-2");
        many(25, "ws-1", "i-1");
        many(2, "ws-1", null);
        pruneAll();
        restart();

        const kept = journal.events({ workspaceId: "ws-1", after: 0, limit: 100 });
        expect(kept.map((event) => event.sequence)).toEqual([18, 19, 20, 21, 22, 23, 24, 25, 1, 2]);
        expect(journal.events({ workspaceId: "ws-2", after: 0, limit: 100 })).toHaveLength(3);
        expect(append([newEvent("ws-1", "i-1"), newEvent("ws-1", null)])).toMatchObject([
          { position: 31, sequence: 26 },
          { position: 32, sequence: 3 },
        ]);
      });

      test("bounds say from where on nothing is missing, for all and for one workspace", () => {
        limited({ eventsPerWorkspace: 10 });
        start("ws-1", "i-1");
        start("ws-2", "i-2");
        many(3, "ws-2", "i-2");
        many(25, "ws-1", "i-1");
        expect(journal.bounds("ws-1")).toEqual({ first: 1, last: 28 });
        pruneAll();
        restart();

        expect(journal.bounds()).toEqual({ first: 19, last: 28 });
        expect(journal.bounds("ws-1")).toEqual({ first: 19, last: 28 });
        expect(journal.bounds("ws-2")).toEqual({ first: 1, last: 28 });
      });

      test("numbers are not given again when every event is gone", () => {
        limited({ recordEventsMs: 1_000 });
        many(3, "ws-1", null);
        pruneAll(T0 + 60_000);
        expect(journal.events({ after: 0, limit: 10 })).toEqual([]);
        restart();

        expect(journal.bounds()).toEqual({ first: 4, last: 3 });
        expect(append([newEvent("ws-1", null)])).toMatchObject([{ position: 4, sequence: 4 }]);
      });

      test("keeps the newest instances, and any that have not ended or are current, with their actors", () => {
        limited({ instancesPerWorkspace: 2 });
        for (const n of [1, 2, 3, 4, 5]) {
          start("ws-1", `i-${n}`);
          many(2, "ws-1", `i-${n}`);
        }
        for (const n of [1, 3, 4, 5]) end(`i-${n}`);
        setDeadline("i-3", web, "starting", T0);
        pruneAll();
        restart();

        // The first is the current one, the second has not ended, the last two are the newest.
        expect([1, 2, 3, 4, 5].map((n) => journal.instance(`i-${n}`) !== undefined)).toEqual([
          true,
          true,
          false,
          true,
          true,
        ]);
        expect(journal.events({ workspaceId: "ws-1", after: 0, limit: 100 })).toHaveLength(8);
        expect(journal.actors("i-2")).toHaveLength(1);
        expect(journal.actors("i-3")).toEqual([]);
        expect(journal.deadlines("i-3")).toEqual([]);
      });

      test("never touches the actors of a live instance, however many events it had", () => {
        limited({ eventsPerWorkspace: 1 });
        start("ws-1", "i-1");
        append([newEvent("ws-1", "i-1", { source: web, to: "running" })]);
        many(20, "ws-1", "i-1");
        pruneAll();

        expect(journal.events({ after: 0, limit: 100 })).toHaveLength(1);
        expect(journal.actors("i-1").map((actor) => actor.source)).toContainEqual(web);
      });

      test("removes events of records when they are old enough, oldest first", () => {
        limited({ recordEventsMs: 1_000 });
        start("ws-1", "i-1");
        append([
          newEvent("ws-1", null, { at: T0 }),
          newEvent("ws-1", "i-1", { at: T0 }),
          newEvent("ws-1", null, { at: T0 + 800 }),
        ]);
        pruneAll(T0 + 1_500);

        expect(journal.events({ after: 0, limit: 10 }).map((event) => event.at)).toEqual([T0, T0 + 800]);
      });

      test("does a bounded piece of work per call", () => {
        limited({ eventsPerWorkspace: 10 });
        start("ws-1", "i-1");
        many(2_000, "ws-1", "i-1");

        expect(journal.prune(T0)).toBe(true);
        expect(journal.events({ after: 0, limit: 5_000 }).length).toBeGreaterThan(1_000);
        pruneAll();
        expect(journal.events({ after: 0, limit: 5_000 })).toHaveLength(10);
        expect(journal.prune(T0)).toBe(false);
      });
    });

    test("a closed journal may be closed again, and says that it is closed", () => {
      journal.close();
      journal.close();

      expect(() => journal.workspace("ws-1")).toThrow(expect.objectContaining({ code: "SUPERVISOR_CLOSED" }));
      expect(() => append([newEvent("ws-1", null)])).toThrow(expect.objectContaining({ code: "SUPERVISOR_CLOSED" }));
    });
  });
}
