import { describe, expect, test } from "vitest";
import { simulatedInfrastructure } from "../../src/infrastructure/simulated/index.ts";
import type { Infrastructure, Leak } from "../../src/infrastructure/spi.ts";
import { LeakLedger } from "../../src/supervisor/leak-ledger.ts";
import { silentLogger } from "../../src/telemetry/log.ts";
import { memoryJournal } from "../../src/testing/memory-journal.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

const ref = { workspaceId: "ws-1", instanceId: "i-1" };
const stuck: Leak = { kind: "process", id: "7", reason: "it hangs in the kernel" };

class Office {
  readonly clock = new VirtualClock(1_000);
  readonly journal = memoryJournal();
  readonly attempts: string[] = [];
  /** What the next attempts come to; the last one is what all that follow come to. */
  outcomes: (() => Promise<readonly Leak[]>)[] = [async () => []];
  strangers: readonly string[] = [];
  live: readonly string[] = [];
  readonly ledger: LeakLedger;

  constructor() {
    const place = {
      ...simulatedInfrastructure({ clock: this.clock }),
      name: "place",
      identities: async () => this.strangers.map((instanceId) => ({ workspaceId: "ws-9", instanceId })),
      destroy: async ({ instanceId }) => {
        this.attempts.push(instanceId);
        this.strangers = this.strangers.filter((one) => one !== instanceId);
        const outcome = this.outcomes.length > 1 ? this.outcomes.shift() : this.outcomes[0];
        return outcome?.() ?? [];
      },
    } as Infrastructure;
    this.ledger = new LeakLedger({
      journal: this.journal,
      infrastructures: new Map([["place", place]]),
      clock: this.clock,
      logger: silentLogger(),
      isLive: (instanceId) => this.live.includes(instanceId),
    });
  }
}

describe("what could not be removed", () => {
  test("is tried again until it is, and is listed until then", async () => {
    const office = new Office();
    office.outcomes = [async () => [stuck], async () => []];
    office.ledger.record(ref, "place", [stuck]);

    await office.clock.advanceAsync(15_000);
    expect(office.ledger.rows).toMatchObject([{ ...ref, ...stuck, since: 1_000 }]);
    await office.clock.advanceAsync(15_000);

    expect(office.ledger.rows).toEqual([]);
    await office.clock.advanceAsync(60_000);
    expect(office.attempts).toEqual(["i-1", "i-1"]);
    await office.ledger.close();
    expect(office.clock.pending).toBe(0);
  });

  test("because the attempt itself failed is listed as the whole instance, with the reason", async () => {
    const office = new Office();
    office.outcomes = [() => Promise.reject(new Error("no connection"))];

    office.ledger.destroy(ref, "place");
    await office.clock.settle();

    expect(office.ledger.rows).toMatchObject([{ kind: "instance", id: "i-1", reason: "no connection" }]);
    await office.ledger.close();
  });

  test("is left to its chart while the instance lives", async () => {
    const office = new Office();
    office.live = ["i-1"];
    office.ledger.record(ref, "place", [stuck]);

    await office.clock.advanceAsync(15_000);
    expect(office.attempts).toEqual([]);
    office.live = [];
    await office.clock.advanceAsync(15_000);

    expect(office.attempts).toEqual(["i-1"]);
    await office.ledger.close();
  });

  test("is attempted once at a time", async () => {
    const office = new Office();
    let finish = (): void => {};
    office.outcomes = [
      () =>
        new Promise((resolve) => {
          finish = () => resolve([]);
        }),
    ];
    office.ledger.record(ref, "place", [stuck]);

    await office.clock.advanceAsync(44_000); // it is due again after 15 s, and an attempt may take 30 s
    expect(office.attempts).toEqual(["i-1"]);
    finish();
    await office.clock.settle();

    expect(office.attempts).toEqual(["i-1"]);
    expect(office.ledger.rows).toEqual([]);
    await office.ledger.close();
  });

  test("and is asked for again while it is attempted, is attempted once more", async () => {
    const office = new Office();

    for (const _ of [1, 2, 3]) office.ledger.destroy(ref, "place");
    await office.clock.settle();

    expect(office.attempts).toEqual(["i-1", "i-1"]);
    await office.ledger.close();
  });

  test("by a supervisor before is tried again at once by the next", async () => {
    const office = new Office();
    office.journal.recordLeaks(ref, "place", [stuck], 500);

    office.ledger.open();
    await office.clock.settle();

    expect(office.attempts).toEqual(["i-1"]);
    expect(office.ledger.rows).toEqual([]);
    await office.ledger.close();
  });
});

describe("an instance that nobody knows", () => {
  test("is removed at boot, and whenever it is found", async () => {
    const office = new Office();
    office.strangers = ["i-8", "i-1"];
    office.live = ["i-1"];

    office.ledger.open();
    await office.clock.settle();
    expect(office.attempts).toEqual(["i-8"]);
    office.strangers = ["i-9"];
    await office.clock.advanceAsync(60_000);

    expect(office.attempts).toEqual(["i-8", "i-9"]);
    await office.ledger.close();
    expect(office.clock.pending).toBe(0);
  });
});
