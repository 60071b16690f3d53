import type { Answer } from "./answer.ts";
import type { InterruptionMatrix } from "./interruption-matrix.ts";
import { answerWords } from "./words.ts";

const head = `# The interruption matrix

What becomes of a workspace when it is interrupted, wherever it is: for every state that a chart can be in, what it does
about everything that may happen. Generated from the charts by walking them and by pure transitions from every snapshot
that they reach: \`troupe charts matrix --markdown\`. \`test/supervisor/matrix.test.ts\` brings a whole supervisor into each of these
states, lets it happen, and sees that it goes where this says, and that nothing is left behind.

A cell names the state that is entered, with the condition where there are several. *stays*: the state remains, and
something is kept in mind. *–* is ignored, *n/a* is not possible; the number is the reason below the table.
`;

/** The document of the matrices. */
export function matrixMarkdown(matrices: readonly InterruptionMatrix[]): string {
  return [head, ...matrices.map(sectionOf)].join("\n");
}

function sectionOf({ chart, rows }: InterruptionMatrix): string {
  const reasons: string[] = [];
  const happenings = Object.keys(rows[0]?.cells ?? {});
  const lines = rows.map(({ state, cells }) => {
    const row = happenings.map((happening) => (cells[happening] ?? []).map((answer) => short(answer, reasons)));
    return `| \`${state}\` | ${row.map((answers) => answers.join("<br>")).join(" | ")} |`;
  });
  return [
    `## ${chart}`,
    "",
    `| state | ${happenings.join(" | ")} |`,
    `|---|${happenings.map(() => "---|").join("")}`,
    ...lines,
    "",
    ...reasons.map((reason, index) => `${index + 1}. ${reason}`),
    "",
  ].join("\n");
}

function short(answer: Answer, reasons: string[]): string {
  switch (answer.kind) {
    case "ignored":
      return `– ${numberOf(answer.why, reasons)}`;
    case "impossible":
      return `n/a ${numberOf(answer.why, reasons)}`;
    default:
      return answerWords(answer);
  }
}

function numberOf(reason: string, reasons: string[]): number {
  if (!reasons.includes(reason)) reasons.push(reason);
  return reasons.indexOf(reason) + 1;
}
