import { type Line, plainText, type Span } from "./terminal.ts";

/** Rows as lines with aligned columns. */
export function tableLines(rows: readonly (readonly Span[])[]): Line[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, plainText(cell).length);
    });
  }
  return rows.map((row) =>
    row.flatMap((cell, column) =>
      column === row.length - 1 ? [cell] : [cell, " ".repeat((widths[column] ?? 0) - plainText(cell).length + 2)],
    ),
  );
}
