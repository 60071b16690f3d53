import { test } from "@fast-check/vitest";
import { expect } from "vitest";
import { runScript } from "../../../src/testing/explore/run-script.ts";
import { supervisorScripts } from "../../../src/testing/explore/scripts.ts";
import { checkAgainstCharts } from "../../../src/testing/replay/check-against-charts.ts";

test.prop([supervisorScripts], { numRuns: Number(process.env["TROUPE_RUNS"] ?? 60) })(
  "whatever happens, the charts allow it",
  async (script) => {
    const { moment } = await runScript(script);

    expect(checkAgainstCharts({ events: moment?.events ?? [] })).toEqual([]);
  },
);
