/** How late status is told while a machine prints 100 MB: npm run build && npx tsx bench/burst.ts */
import type { Readable } from "node:stream";
import type { TroupeClient } from "troupe/client";
import { print, printMachine, round } from "./measure.ts";
import { withServer } from "./server.ts";
import { withDirectory } from "./supervisor.ts";

const BURST_BYTES = 100_000_000;
/** Starts and stops, in quiet, of the workspace whose status is followed. */
const QUIET_PULSES = 10;
const LAST_LINE = "the burst is over";

const workspace = (name: string, command: string) => ({
  name,
  environment: { recipe: { type: "process", content: { machines: { main: { command } } } } },
});
// It begins late enough for its reader to be there.
const burst = `sleep 2; yes "$(printf %099d 0)" | head -c ${BURST_BYTES}; echo ${LAST_LINE}; exec sleep 86400`;

await withDirectory((dataDir) =>
  withServer(dataDir, async ({ client, troupe }) => {
    await client.create(workspace("pulse", "exec sleep 86400"));
    await client.create(workspace("burst", burst), { start: true });
    const reader = troupe("logs", "burst", "--follow", "--raw");
    const reading = read(reader.stdout);

    const beside = await statusDelays(client, async () => {
      do await pulse(client);
      while (!reading.isOver && reader.exitCode === null);
    });
    reader.kill();
    await client.stop("burst", { force: true });
    await client.wait("burst", { for: "stopped" });
    const quiet = await statusDelays(client, async () => {
      for (let pulses = 0; pulses < QUIET_PULSES; pulses++) await pulse(client);
    });

    printMachine();
    print({ "status, in quiet": quiet, "status, beside the burst": beside });
    const { bytes, ms } = reading;
    console.log(
      `the reader had ${round(bytes / 1e6)} of ${BURST_BYTES / 1e6} MB in ${round(ms / 1000)} s; the rest was dropped, and told as gaps`,
    );
  }),
);

/** Starts and stops the workspace whose status is followed: about ten transitions. */
async function pulse(client: TroupeClient): Promise<void> {
  await client.start("pulse");
  await client.wait("pulse", { for: "running" });
  await client.stop("pulse", { force: true });
  await client.wait("pulse", { for: "stopped" });
}

/** From each transition of `pulse` during `work` to its arrival here, in milliseconds. */
async function statusDelays(client: TroupeClient, work: () => Promise<void>): Promise<number[]> {
  const delays: number[] = [];
  const end = new AbortController();
  const following = (async () => {
    for await (const record of client.channel({ topic: "workspace", workspace: "pulse", signal: end.signal })) {
      const now = Date.now();
      if (record.type === "events") delays.push(...record.events.map(({ at }) => now - at));
    }
  })();
  await work();
  end.abort();
  await following.catch(() => {}); // that it was aborted
  return delays;
}

/** Counts what comes, from its first byte to the last line of the burst. */
function read(output: Readable | null): { bytes: number; ms: number; isOver: boolean } {
  const reading = { bytes: 0, ms: 0, isOver: false };
  let start = 0;
  let end = "";
  output?.on("data", (chunk: Buffer) => {
    start ||= performance.now();
    reading.bytes += chunk.length;
    reading.ms = performance.now() - start;
    end = (end + chunk.toString("latin1")).slice(-2 * LAST_LINE.length);
    reading.isOver ||= end.includes(LAST_LINE);
  });
  return reading;
}
