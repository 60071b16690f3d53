import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assign, setup } from "xstate";
import { port } from "../../machines/port.ts";
import { happenings } from "../../src/testing/matrix/happening.ts";
import { interruptionMatrix, missingCells } from "../../src/testing/matrix/interruption-matrix.ts";
import { lifecycleMatrices, lifecycleSubjects } from "../../src/testing/matrix/lifecycle-matrices.ts";
import { matrixMarkdown } from "../../src/testing/matrix/matrix-markdown.ts";
import { timesUp } from "../../src/testing/matrix/outcome.ts";
import { impossible, told, unheard } from "../../src/testing/matrix/reading.ts";
import type { MatrixSubject } from "../../src/testing/matrix/subject.ts";
import { answerWords } from "../../src/testing/matrix/words.ts";
import { runCommand } from "../cli/run-command.ts";
import { hasTag, isLeaf, statesOf } from "../machines/charts.ts";

/** A lift: it may be called while it moves, and then remembers. */
const liftLogic = setup({
  types: {
    context: {} as { readonly isCalled: boolean; readonly isLocked: boolean },
    events: {} as { type: "call" } | { type: "lock" } | { type: "knock" },
  },
  actors: { move: port<void, undefined>("move"), deadline: port<never, undefined>("deadline") },
  guards: { isLocked: ({ context }) => context.isLocked },
}).createMachine({
  id: "lift",
  context: { isCalled: false, isLocked: false },
  initial: "still",
  states: {
    still: {
      on: {
        call: [{ guard: "isLocked", target: "refusing" }, { target: "moving" }],
        lock: { actions: assign({ isLocked: true }) },
      },
    },
    moving: {
      tags: ["busy"],
      invoke: [
        { id: "move", src: "move", onDone: "still", onError: "stuck" },
        { id: "deadline", src: "deadline", onError: "stuck" },
      ],
      on: { call: { actions: assign({ isCalled: true }) } },
    },
    refusing: { after: { 100: "still" } },
    stuck: {},
    flying: {},
  },
});

const lift: MatrixSubject<"call" | "knock" | "time"> = {
  chart: "lift",
  logic: liftLogic,
  beginnings: [{ input: undefined }],
  changes: { isCalled: () => "remembered" },
  readings: {
    call: ({ snapshot }) => told([{ type: "call" }], snapshot.matches("moving") ? "it is called already" : null),
    knock: ({ snapshot }) => (snapshot.matches("moving") ? told([{ type: "knock" }]) : unheard("nobody is in it")),
    time: ({ snapshot }) =>
      snapshot.matches("moving") || snapshot.matches("refusing")
        ? told(timesUp(snapshot))
        : impossible("it waits for nothing"),
  },
};

describe("interruptionMatrix()", () => {
  const matrix = interruptionMatrix(lift);
  const words = (state: string, happening: "call" | "knock" | "time"): string[] =>
    matrix.rows.find((row) => row.state === state)?.cells[happening].map(answerWords) ?? [];

  test("has a row for every state that can be reached, in the order of the chart", () => {
    expect(matrix.rows.map(({ state }) => state)).toEqual(["still", "moving", "refusing", "stuck"]);
  });

  test("says where the chart goes, and when, if that depends on its context", () => {
    expect(words("still", "call")).toEqual(["moving (otherwise)", "refusing (is locked)"]);
  });

  test("says what is kept in mind where the state stays, and why nothing comes of it a second time", () => {
    expect(words("moving", "call")).toEqual(["stays, remembered", "ignored: it is called already"]);
  });

  test("knows budgets and pauses", () => {
    expect(words("moving", "time")).toEqual(["stuck"]);
    expect(words("refusing", "time")).toEqual(["still"]);
    expect(words("still", "time")).toEqual(["not possible: it waits for nothing"]);
  });

  test("finds the cells about which neither the chart nor its subject says anything", () => {
    expect(missingCells(matrix)).toEqual([
      "lift moving × knock (knock)",
      "lift refusing × call (call)",
      "lift stuck × call (call)",
    ]);
  });
});

describe("the matrices of the lifecycles", () => {
  const matrices = lifecycleMatrices();

  test("have no missing cell", () => {
    expect(matrices.flatMap(missingCells)).toEqual([]);
    for (const { rows } of matrices) {
      for (const { cells } of rows) {
        expect(Object.keys(cells)).toEqual(happenings);
        expect(Object.values(cells).every((answers) => answers.length > 0)).toBe(true);
      }
    }
  });

  test.each(lifecycleSubjects.map(({ chart, logic }) => ({ chart, logic })))(
    "have a row for every state of the $chart",
    ({ chart, logic }) => {
      const rows = matrices.find((one) => one.chart === chart)?.rows ?? [];
      // Parallel regions share a row: `running.bootstrap.ready & connection.held`.
      const isIn = (row: string, path: readonly string[]): boolean => {
        const keys = row.split(/[.& ]+/);
        return path.every((key) => keys.includes(key));
      };
      const leaves = statesOf(logic).filter(({ node }) => isLeaf(node) && !hasTag(node, "transient"));

      expect(leaves.filter(({ node }) => !rows.some(({ state }) => isIn(state, node.path)))).toEqual([]);
    },
  );

  test("say that stop is heard in every state that has not ended, and never that it is impossible", () => {
    const deaf = matrices.flatMap(({ chart, rows }) =>
      rows.flatMap(({ state, cells }) =>
        [...cells.stop, ...cells["force-stop"]].every(({ kind }) => kind === "impossible") ? [`${chart} ${state}`] : [],
      ),
    );

    expect(deaf).toEqual([]);
  });

  test("are machines/MATRIX.md, as `troupe charts matrix --markdown` writes it", async () => {
    const document = readFileSync(new URL("../../machines/MATRIX.md", import.meta.url), "utf8");

    expect(document).toBe(matrixMarkdown(matrices));
    const { code, stdout } = await runCommand(["charts", "matrix", "--markdown"]).finished;
    expect({ code, stdout }).toEqual({ code: 0, stdout: document });
  });
});

describe("troupe charts", () => {
  test("matrix prints one chart as a table, or as JSON", async () => {
    const table = await runCommand(["charts", "matrix", "--chart", "server"]).finished;
    const json = await runCommand(["charts", "matrix", "--chart", "server", "--json"]).finished;

    expect(table.stdout).toMatch(/^checking +stop +ended$/m);
    expect(table.stdout).toMatch(/^ +deadline reached +live\.stopped$/m);
    expect(table.stdout).not.toContain("WORKSPACE");
    expect(JSON.parse(json.stdout)).toEqual({ matrices: lifecycleMatrices("server") });
  });

  test("draw prints one chart as Mermaid", async () => {
    const { stdout } = await runCommand(["charts", "draw", "--chart", "installer"]).finished;

    expect(stdout).toMatch(/^stateDiagram-v2\n/);
    expect(stdout).toContain("pending --> active: installer.run");
  });

  test("refuses a chart that there is not", async () => {
    const { code, stderr } = await runCommand(["charts", "matrix", "--chart", "window"]).finished;

    expect(code).not.toBe(0);
    expect(stderr).toContain("Allowed choices are workspace, machine, installer, server");
  });
});
