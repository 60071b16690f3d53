/** The pictures of the charts in ARCHITECTURE.md, each between its markers. */
import type { AnyStateMachine } from "xstate";
import { mermaidOf } from "../../src/testing/mermaid.ts";
import { charts } from "./charts.ts";

/** @throws {Error} if the text lacks the markers of a chart */
export function withPictures(text: string): string {
  return charts.reduce((drawn, chart) => {
    const marked = new RegExp(`${beginOf(chart)}\n[^]*?${END}`);
    if (!marked.test(drawn)) throw new Error(`Cannot draw chart "${chart.id}": the text has no "${beginOf(chart)}"`);
    return drawn.replace(marked, () => pictureOf(chart));
  }, text);
}

/** A picture with its markers, as it stands in the text. */
export function pictureOf(chart: AnyStateMachine): string {
  return `${beginOf(chart)}\n\n\`\`\`mermaid\n${mermaidOf(chart)}\n\`\`\`\n\n${END}`;
}

const END = "<!-- /chart -->";

function beginOf({ id }: AnyStateMachine): string {
  return `<!-- chart:${id} -->`;
}
