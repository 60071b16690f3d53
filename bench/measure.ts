/** Times and tables. */
import { cpus, release, totalmem } from "node:os";

/** In milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The smallest value that at least `share` of the values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]) => percentile(values, 0.5);

/** One row per measured thing: how often, median, 95th percentile and worst, in milliseconds. */
export function print(rows: Readonly<Record<string, readonly number[]>>): void {
  console.table(
    Object.fromEntries(
      Object.entries(rows).map(([name, values]) => [
        name,
        {
          runs: values.length,
          "median ms": round(median(values)),
          "95 % ms": round(percentile(values, 0.95)),
          "worst ms": round(Math.max(...values)),
        },
      ]),
    ),
  );
}

export function round(value: number): number {
  return Number(value.toFixed(value < 10 ? 2 : 1));
}

/** What the figures depend on. */
export function printMachine(): void {
  const [cpu] = cpus();
  console.log(
    `Node ${process.version}, ${process.platform} ${release()}, ${cpus().length} × ${cpu?.model}, ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB, ${new Date().toISOString().slice(0, 10)}`,
  );
}
