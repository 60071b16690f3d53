/** How long a restarted supervisor takes to know all its workspaces again: npm run build && npx tsx bench/adopt.ts */
import type { Supervisor } from "troupe";
import { print, printMachine, timed } from "./measure.ts";
import { openSupervisor, withDirectory } from "./supervisor.ts";

const COUNTS = [1, 10, 100];
const RESTARTS = 5;

const workspace = (name: string) => ({
  name,
  environment: { recipe: { type: "process", content: { machines: { sleeper: { command: ["sleep", "86400"] } } } } },
});

printMachine();
for (const count of COUNTS) {
  await withDirectory(async (dataDir) => {
    const names = Array.from({ length: count }, (_, index) => `bench-${index}`);
    let supervisor = await openSupervisor(dataDir);
    for (const name of names) supervisor.create(workspace(name));
    const startMs = await timed(async () => {
      for (const name of names) supervisor.start(name);
      await allRun(supervisor, names);
    });

    const adoptMs: number[] = [];
    for (let restart = 0; restart < RESTARTS; restart++) {
      await supervisor.suspend();
      adoptMs.push(
        await timed(async () => {
          supervisor = await openSupervisor(dataDir);
          await allRun(supervisor, names);
        }),
      );
    }
    const stopMs = await timed(() => supervisor.terminate());

    print({ [`start ${count}`]: [startMs], [`adopt ${count}`]: adoptMs, [`stop ${count}`]: [stopMs] });
  });
}

async function allRun(supervisor: Supervisor, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => supervisor.wait(name, { for: "running" })));
}
