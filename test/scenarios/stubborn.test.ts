import { describe, expect } from "vitest";
import type { TroupeClient } from "../../src/client/index.ts";
import { eventsOf, untilLine } from "./follow.ts";
import { workspace } from "./office.ts";
import { processAt } from "./processes.ts";
import { scenario } from "./scenario.ts";
import { NOTHING, type Site } from "./site.ts";

/** Beyond the grace: for finding out that nothing is left, and removing files. */
const MARGIN_MS = 1_000;

/** Ignores SIGTERM, and so does its daemon: forked twice, in a session of its own, with everything closed. */
const stubborn = `
trap '' TERM
daemon='echo $$ >"$TROUPE_VOLUME_DATA/daemon"; while :; do sleep 1; done'
(setsid sh -c "$daemon" <&- >&- 2>&- &)
until [ -s "$TROUPE_VOLUME_DATA/daemon" ]; do sleep 0.02; done
echo 'the daemon runs'
while :; do sleep 1; done
`;

async function start(site: Site, graceMs: number): Promise<{ client: TroupeClient; daemon: number }> {
  const { client } = await site.boot();
  const config = workspace("stubborn", { machine: stubborn }, { machine: { graceMs, volumes: { data: {} } } });
  await client.create(config, { start: true });
  await untilLine(client, "stubborn", "the daemon runs");
  const daemon = Number(site.linesInVolume("daemon")[0]);
  expect(processAt(daemon)).not.toBeNull();
  return { client, daemon };
}

/** From the stop command until all is gone, as the server saw it. */
async function stoppingTookMs(client: TroupeClient): Promise<number> {
  const events = (await eventsOf(client, "stubborn")).filter(({ source }) => source.kind === "workspace");
  const at = (state: string) => events.find(({ to }) => to.startsWith(state))?.at ?? Number.NaN;
  return at("stopped") - at("stopping");
}

describe.concurrent("a machine that ignores SIGTERM, and its daemon", () => {
  scenario("have their grace, and are ended after it", async ({ site }) => {
    const { client, daemon } = await start(site, 1_000);

    await client.stop("stubborn");
    await client.wait("stubborn", { for: "stopped" });

    const tookMs = await stoppingTookMs(client);
    expect(tookMs).toBeGreaterThanOrEqual(1_000);
    expect(tookMs).toBeLessThan(1_000 + MARGIN_MS);
    expect(processAt(daemon)).toBeNull();
    expect(site.left()).toEqual(NOTHING);
  });

  scenario.for([
    ["a forced stop", [{ force: true }]],
    ["a second stop", [{}, {}]],
  ] as const)("are ended at once by %s", async ([, stops], { site }) => {
    const { client, daemon } = await start(site, 60_000);

    for (const options of stops) await client.stop("stubborn", options);
    await client.wait("stubborn", { for: "stopped" });

    expect(await stoppingTookMs(client)).toBeLessThan(MARGIN_MS);
    expect(processAt(daemon)).toBeNull();
    expect(site.left()).toEqual(NOTHING);
  });
});
