import { expect, onTestFailed, test } from "vitest";
import { withSite } from "../scenarios/scenario.ts";
import { report } from "./report.ts";
import { round } from "./round.ts";

/** It takes some ten seconds on a quiet computer; coming to rest may take as long as its budgets. */
const WITHIN_MS = 180_000;

test(
  "servers that are killed at any moment keep all their promises: npm run torture, in short",
  async () => {
    await withSite(async (site) => {
      onTestFailed(() => void process.stderr.write(site.log));
      const seed = Date.now() % 1_000_000;

      const { violations, history } = await round(site, { seed, kills: 5 });

      expect(violations, `npm run torture -- --kills 5 --seed ${seed}\n${report(violations, history)}`).toEqual([]);
      expect(history.operations.some(({ outcome }) => outcome.type === "acknowledged")).toBe(true);
      expect(history.events.some(({ events }) => events.length > 0)).toBe(true);
    });
  },
  WITHIN_MS,
);
