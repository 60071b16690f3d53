/** Words longer than this are never taken for misspelt ones; it bounds the work. */
const MAX_LENGTH = 40;

/** The candidate that was probably meant by a misspelt word: at most a third of its letters differ. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > MAX_LENGTH) return undefined;
  const limit = Math.max(1, Math.floor(word.length / 3));
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter((option) => option.distance <= limit)
    .sort((one, other) => one.distance - other.distance);
  return best?.candidate;
}

/** `; did you mean "port"?`, or the words that are known, or nothing where there are none. */
export function suggestion(word: string, known: readonly string[]): string {
  const meant = closest(word, known);
  if (meant !== undefined) return `; did you mean "${meant}"?`;
  return known.length === 0 ? "" : `; known: ${known.join(", ")}`;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn one word into the other (optimal string alignment). */
function distance(from: string, to: string): number {
  if (to.length > MAX_LENGTH) return Number.POSITIVE_INFINITY;
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (same ? 0 : 1),
        swapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return at(from.length, to.length);
}
