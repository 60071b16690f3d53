/** The pictures of the charts in ARCHITECTURE.md, each between its markers. */
import { mermaidOf } from "../../src/testing/mermaid.ts";
import { charts } from "./charts.ts";

/** @throws {Error} if the text lacks the markers of a chart */
export function withPictures(text: string): string {
  return charts.reduce((drawn, chart) => {
    const begin = `<!-- chart:${chart.id} -->`;
    const markers = new RegExp(`${begin}\n[^]*?<!-- /chart -->`);
    if (!markers.test(drawn)) throw new Error(`Cannot draw chart "${chart.id}": the text has no "${begin}"`);
    return drawn.replace(markers, () => `${begin}\n\n\`\`\`mermaid\n${mermaidOf(chart)}\n\`\`\`\n\n<!-- /chart -->`);
  }, text);
}
