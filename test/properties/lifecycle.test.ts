import { describe, expect, test } from "vitest";
import { sqliteJournal } from "../../src/journal/sqlite.ts";
import { explore } from "../../src/testing/explore/explore.ts";
import { unreachable } from "../../src/testing/explore/unreachable.ts";

/** `TROUPE_SEED` and `TROUPE_RUNS` say otherwise; a campaign of millions is `npm run explore`. */
const seed = Number(process.env["TROUPE_SEED"] ?? 1);
const runs = Number(process.env["TROUPE_RUNS"] ?? 500);

describe("whatever happens to workspaces, their machines, the infrastructure and our own process", () => {
  test(`the invariants hold after every step (seed ${seed})`, async () => {
    const { counterexample, coverage } = await explore({ runs, seed, withinMs: 20_000 });

    expect(counterexample).toBeNull();
    expect([...coverage.transitions.keys()].filter((name) => unreachable.has(name))).toEqual([]);
  });

  test(`they hold with the journal that is used in earnest (seed ${seed})`, async () => {
    const journal = () => sqliteJournal({ file: ":memory:" });

    const { counterexample } = await explore({ runs: Math.ceil(runs / 20), seed: seed + 1, withinMs: 5_000, journal });

    expect(counterexample).toBeNull();
  });
});
