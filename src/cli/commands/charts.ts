import { installerLogic, machineLogic, serverLogic, workspaceLogic } from "../../../machines/index.ts";
import type { InterruptionMatrix } from "../../testing/matrix/interruption-matrix.ts";
import { lifecycleMatrices } from "../../testing/matrix/lifecycle-matrices.ts";
import { matrixMarkdown } from "../../testing/matrix/matrix-markdown.ts";
import { answerWords } from "../../testing/matrix/words.ts";
import { mermaidOf } from "../../testing/mermaid.ts";
import type { Context } from "../context.ts";
import { tableLines } from "../table.ts";
import type { Span } from "../terminal.ts";

const logics = { workspace: workspaceLogic, machine: machineLogic, installer: installerLogic, server: serverLogic };

interface ChartFlags {
  /** Default: all. */
  readonly chart?: string;
}

/** What every chart does about every interruption in every state. */
export async function matrix(
  { terminal, isJson }: Context,
  { chart, markdown }: ChartFlags & { readonly markdown?: boolean },
): Promise<undefined> {
  const matrices = lifecycleMatrices(chart);
  if (isJson) return void terminal.json({ matrices });
  if (markdown === true) return void terminal.raw(matrixMarkdown(matrices));
  for (const one of matrices) for (const line of tableLines(rowsOf(one))) terminal.print(line);
}

/** The charts as Mermaid state diagrams. */
export async function draw({ terminal, isJson }: Context, { chart }: ChartFlags): Promise<undefined> {
  const drawn = Object.entries(logics)
    .filter(([name]) => chart === undefined || name === chart)
    .map(([name, logic]) => ({ chart: name, mermaid: mermaidOf(logic) }));
  if (isJson) return void terminal.json({ charts: drawn });
  for (const { mermaid } of drawn) for (const text of mermaid.split("\n")) terminal.print([text]);
}

/** One line for each answer; the state and the happening stand before their first. */
function rowsOf({ chart, rows }: InterruptionMatrix): (readonly Span[])[] {
  const head: readonly Span[] = [chart.toUpperCase(), "", ""].map((text) => ({ text, style: "bold" }));
  const lines = rows.flatMap(({ state, cells }) =>
    Object.entries(cells).flatMap(([happening, answers], place) =>
      answers.map((answer, index): readonly Span[] => [
        place === 0 && index === 0 ? { text: state, style: "bold" } : "",
        index === 0 ? happening : "",
        answerWords(answer),
      ]),
    ),
  );
  return [head, ...lines, [""]];
}
