const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads `500ms`, `10s`, `1.5m`, `2h`, `1d` as milliseconds; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const unitMs = unitsMs[unit ?? ""];
  return unitMs === undefined ? undefined : Math.round(Number(number) * unitMs);
}

/** A time for people: `0.4 s`, `3.2 s`, `95 s`, `12 min 5 s`, `2 h 14 min`, `3 d 4 h`. Never less than zero. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 600) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1_440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1_440)} d ${Math.floor(minutes / 60) % 24} h`;
}

/** A budget, as it was given: `180 s`. */
export function formatBudget(budgetMs: number): string {
  return budgetMs % 1_000 === 0 && budgetMs < 600_000 ? `${budgetMs / 1_000} s` : formatDuration(budgetMs);
}

/** How much of a budget is used: `3.2 s of 180 s`. */
export function formatElapsed(elapsedMs: number, budgetMs: number | null): string {
  const elapsed = formatDuration(elapsedMs);
  return budgetMs === null ? elapsed : `${elapsed} of ${formatBudget(budgetMs)}`;
}
