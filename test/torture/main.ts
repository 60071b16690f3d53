/**
 * `npm run torture -- [--kills 200] [--seed S]`: kills servers until so many have died, and judges what became of what they
 * were asked for. Rounds of some kills each, every one on a data directory of its own; round `n` has seed `S + n`.
 */
import { cp, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Site } from "../scenarios/site.ts";
import { describeDoom } from "./doom.ts";
import { report } from "./report.ts";
import { type RoundOutcome, round } from "./round.ts";

const KILLS_PER_ROUND = 10;

const { values } = parseArgs({ options: { kills: { type: "string", default: "200" }, seed: { type: "string" } } });
const kills = Number(values.kills);
const firstSeed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const begunAt = performance.now();
const seconds = (): string => ((performance.now() - begunAt) / 1_000).toFixed(1);
let killed = 0;

for (let seed = firstSeed; killed < kills; seed += 1) {
  const planned = Math.min(KILLS_PER_ROUND, kills - killed);
  const site = await Site.create();
  const outcome = await round(site, {
    seed,
    kills: planned,
    onKill: (doom) => {
      killed += 1;
      say(`${seconds().padStart(7)} s: kill ${killed}, ${describeDoom(doom)}`);
    },
  });
  await site.end();
  const acknowledged = outcome.history.operations.filter(({ outcome: { type } }) => type === "acknowledged");
  const events = outcome.history.events.flatMap((followed) => followed.events);
  const perMinute = killed / ((performance.now() - begunAt) / 60_000);
  say(
    `${seconds().padStart(7)} s: seed ${seed}, ${acknowledged.length} commands acknowledged, ${events.length} events told; ${perMinute.toFixed(0)} kills per minute`,
  );
  if (outcome.violations.length > 0) {
    const kept = await keep(site, outcome);
    say(`\n${report(outcome.violations, outcome.history)}\n`);
    say(`Again: npm run torture -- --kills ${planned} --seed ${seed}`);
    say(`Kept: ${kept} (data/journal.db, history.json, server.log)`);
    process.exitCode = 1;
  }
  await site.clear();
  if (process.exitCode === 1) break;
}

/** What is needed to find out why. @returns the directory */
async function keep(site: Site, { history: { operations, events, outputs } }: RoundOutcome): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "troupe-torture-"));
  await cp(site.dataDir, join(directory, "data"), { recursive: true });
  await writeFile(join(directory, "history.json"), JSON.stringify({ operations, events, outputs }, null, 1));
  await writeFile(join(directory, "server.log"), site.log);
  return directory;
}
