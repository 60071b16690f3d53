import { describe, expect, test } from "vitest";
import { TroupeError } from "../../src/errors.ts";
import type { Journal } from "../../src/journal/spi.ts";
import type { TroupeEvent } from "../../src/model/workspace.ts";
import { Deadlines } from "../../src/supervisor/deadlines.ts";
import { Recorder } from "../../src/supervisor/recorder.ts";
import type { Transition } from "../../src/supervisor/tap.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { memoryJournal } from "../../src/testing/memory-journal.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { instanceRow, workspaceRow } from "../journal/rows.ts";
import { settled } from "../machines/stage.ts";

const web = { kind: "machine", machine: "web" } as const;

function transition(to: string, more: Partial<Transition> = {}): Transition {
  return {
    instanceId: "i-1",
    source: { kind: "workspace" },
    from: null,
    to,
    status: "STARTING",
    cause: "begun",
    failure: null,
    data: {},
    ...more,
  };
}

class Office {
  readonly clock = new VirtualClock(1_000);
  readonly journal = memoryJournal();
  readonly deadlines: Deadlines;
  readonly recorder: Recorder;
  /** What was told to have been committed, one entry for each commit. */
  readonly published: string[][] = [];
  readonly advanced: string[] = [];
  isFull = false;
  writes = 0;

  constructor() {
    this.journal.createWorkspace(workspaceRow("ws-1"));
    for (const instanceId of ["i-1", "i-2"]) this.journal.createInstance(instanceRow("ws-1", instanceId));
    this.deadlines = new Deadlines(this.clock, () => this.recorder.wake());
    this.recorder = new Recorder({
      journal: this.#disk(),
      clock: this.clock,
      deadlines: this.deadlines,
      logger: silentLogger(),
      advance: (_, instanceId) => this.advanced.push(instanceId),
      committed: (events) => this.published.push(events.map(({ to }) => to)),
    });
    this.recorder.setCurrent("ws-1", "i-1");
  }

  record(...transitions: readonly Transition[]): void {
    for (const one of transitions) this.recorder.record("ws-1", one);
  }

  get events(): readonly TroupeEvent[] {
    return this.journal.events({ after: 0, limit: 100 });
  }

  /** The journal, on a disk that may be full. */
  #disk(): Journal {
    return new Proxy(this.journal, {
      get: (journal, name) => {
        const value = Reflect.get(journal, name);
        if (name !== "append") return typeof value === "function" ? value.bind(journal) : value;
        return (turn: Parameters<Journal["append"]>[0]) => {
          this.writes += 1;
          if (this.isFull) throw new TroupeError("JOURNAL_DAMAGED", "The disk is full");
          return journal.append(turn);
        };
      },
    });
  }
}

describe("the recorder", () => {
  test("commits what happens in one turn together, at its end, and only then tells", async () => {
    const office = new Office();

    office.record(transition("starting.queued"), transition("starting.preparing"));
    expect(office.published).toEqual([]);
    expect(office.events).toEqual([]);
    await settled();

    expect(office.published).toEqual([["starting.queued", "starting.preparing"]]);
    expect(office.events.map(({ sequence, at }) => [sequence, at])).toEqual([
      [1, 1_000],
      [2, 1_000],
    ]);
  });

  test("commits at once for whoever is about to answer, and not again", async () => {
    const office = new Office();
    office.record(transition("starting.queued"));

    office.recorder.flush();
    await settled();

    expect(office.published).toEqual([["starting.queued"]]);
  });

  test("loses nothing and keeps the order when the journal cannot write", async () => {
    const office = new Office();
    office.isFull = true;
    office.record(transition("starting.queued"));
    await settled();
    office.record(transition("starting.preparing"));
    await settled();
    expect(() => office.recorder.flush()).toThrow("The disk is full");
    expect(office.published).toEqual([]);

    office.isFull = false;
    await office.clock.advanceAsync(1_000);

    expect(office.published).toEqual([["starting.queued", "starting.preparing"]]);
    expect(office.events.map(({ to, sequence }) => [to, sequence])).toEqual([
      ["starting.queued", 1],
      ["starting.preparing", 2],
    ]);
  });

  test("tries again once a second, however much happens meanwhile", async () => {
    const office = new Office();
    office.isFull = true;
    for (let turn = 0; turn < 20; turn += 1) {
      office.record(transition(`starting.${turn}`));
      await settled();
    }
    expect(office.clock.pending).toBe(1);
    office.writes = 0;

    await office.clock.advanceAsync(5_000);

    expect(office.writes).toBe(5);
    office.recorder.close();
    expect(office.clock.pending).toBe(0);
  });

  test("gives the last transition of an actor in a turn the deadline that runs, and the others none", async () => {
    const office = new Office();
    void office.deadlines.reached(
      { instanceId: "i-1", source: web, state: "starting.image", budgetMs: 500, what: "Fetching" },
      new AbortController().signal,
    );

    office.record(transition("waiting", { source: web }), transition("starting.image", { source: web }));
    await settled();

    expect(office.events.map(({ to, deadlineAt, budgetMs }) => [to, deadlineAt, budgetMs])).toEqual([
      ["waiting", null, null],
      ["starting.image", 1_500, 500],
    ]);
    expect(office.journal.deadlines("i-1")).toEqual([{ source: web, state: "starting.image", at: 1_500 }]);
  });

  test("commits the end of an instance apart from the beginning of the next, which becomes the current one first", async () => {
    const office = new Office();

    office.record(
      transition("stopped", { status: "STOPPED", data: { stopReason: { by: "user", message: "Asked to" } } }),
      transition("starting.queued", { instanceId: "i-2" }),
    );
    await settled();

    expect(office.published).toEqual([["stopped"], ["starting.queued"]]);
    expect(office.advanced).toEqual(["i-2"]);
    expect(office.journal.instance("i-1")).toMatchObject({
      desired: "stopped",
      stoppedAt: 1_000,
      stopReason: { by: "user" },
    });
    expect(office.journal.instance("i-2")).toMatchObject({ stoppedAt: null });
  });
});
