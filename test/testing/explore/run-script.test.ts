import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sourceKey, type TroupeEvent } from "../../../src/model/workspace.ts";
import { runScript, type StepReport } from "../../../src/testing/explore/run-script.ts";
import type { Script } from "../../../src/testing/explore/script.ts";
import { scripts } from "../../../src/testing/explore/scripts.ts";
import { workspaceOf } from "../../../src/testing/workspace-of.ts";

const life: Script = {
  format: "troupe-script",
  version: 1,
  seed: 7,
  config: {
    subject: "supervisor",
    workspaces: [workspaceOf("shop", { web: {} })],
    concurrentStarts: 1,
    longestOperationMs: 100,
    ending: "stopped",
  },
  steps: [
    { do: "start", of: 0 },
    { do: "wait", ms: 1_000 },
    { do: "exit", of: 0, machine: "web", code: 1 },
    { do: "kill", doom: { write: 1, when: "after" }, downMs: 500 },
    { do: "wait", ms: 10_000 },
  ],
};

/** Without the ids, which are new every time. */
function told(events: readonly TroupeEvent[]): readonly string[] {
  return events.map(({ at, source, from, to, cause }) => `${at} ${sourceKey(source)} ${from} ${to} ${cause}`);
}

describe("runScript()", () => {
  test("tells of every step and of the ending, each with what there is to see after it", async () => {
    const reports: StepReport[] = [];

    const { violation } = await runScript(life, (report) => {
      reports.push(report);
    });

    expect(violation).toBeNull();
    expect(reports.map(({ step }) => step)).toEqual([...life.steps, null]);
    expect(reports.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, null]);
    expect(reports[1]?.moment.views[0]?.status).toBe("RUNNING");
    expect(reports[4]?.moment.boots).toBe(2);
    expect(reports.at(-1)?.moment.views[0]?.status).toBe("STOPPED");
  });

  test("is the same story every time", async () => {
    for (const script of fc.sample(scripts, { numRuns: 40, seed: 1 })) {
      const [once, again] = [await runScript(script), await runScript(JSON.parse(JSON.stringify(script)))];

      expect(told(again.moment?.events ?? [])).toEqual(told(once.moment?.events ?? []));
      expect(again.moment?.now).toBe(once.moment?.now);
    }
  });

  test("takes other times for another seed", async () => {
    const [one, other] = [await runScript(life), await runScript({ ...life, seed: 8 })];

    expect(told(one.moment?.events ?? [])).not.toEqual(told(other.moment?.events ?? []));
  });

  test("refuses a workspace that nobody could create", async () => {
    const config = { ...life.config, workspaces: [{ name: "shop" }] } as Script["config"];

    await expect(runScript({ ...life, config })).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });
});
