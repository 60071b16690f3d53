/** The office, started and stopped with nothing in the way: what all that is in the way is compared with. */
import { basename } from "node:path";
import { eventsOf, isMoment, type Moment, momentsOf, untilSteady } from "./follow.ts";
import { office } from "./office.ts";
import { withSite } from "./scenario.ts";
import type { Site } from "./site.ts";

/** The last moment of a start. One that does not have a moment which the normal one had ends with it. */
export const isReady = isMoment({ actor: "workspace", state: "running.steady" });

/** The same of a stop. */
export const isStopped = isMoment({ actor: "workspace", state: "stopped" });

export interface NormalRun {
  /** Every arrival of every actor in a state, from the start command on until the workspace is ready. */
  readonly starting: readonly Moment[];
  /** The same from the stop command on. */
  readonly stopping: readonly Moment[];
  /** What runs when all is ready; see {@link workforce}. */
  readonly workforce: readonly string[];
}

export function normalRun(): Promise<NormalRun> {
  return withSite(async (site) => {
    const { client } = await site.boot();
    await client.create(office("office"), { start: true });
    const { instanceId } = await untilSteady(client, "office");
    const workforceWhenReady = workforce(site);
    await client.stop("office");
    await client.wait("office", { for: "stopped" });

    const events = (await eventsOf(client, "office")).filter((event) => event.instanceId === instanceId);
    const ready = events.findIndex(isReady);
    return {
      starting: momentsOf(events.slice(0, ready + 1)),
      stopping: momentsOf(events.slice(ready + 1)),
      workforce: workforceWhenReady,
    };
  });
}

/** What runs, in words that are the same for every instance: `MACHINE PROGRAM`, sorted. */
export function workforce(site: Site): string[] {
  return site
    .processes()
    .map(({ command, env }) => `${env["TROUPE_MACHINE"]} ${basename(command.split(" ")[0] ?? "")}`)
    .sort();
}
