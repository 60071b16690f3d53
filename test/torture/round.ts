import type { Server } from "../scenarios/server.ts";
import type { Site } from "../scenarios/site.ts";
import { check, checkAtRest } from "./check.ts";
import { Fleet, perform, runClient } from "./client.ts";
import { chooseDoom, type Doom, kill } from "./doom.ts";
import { evidenceOf, type Violation } from "./evidence.ts";
import { type FollowerContext, followAll, followOneByOne, readOneByOne } from "./followers.ts";
import { History } from "./history.ts";
import { Random } from "./random.ts";
import { rest } from "./rest.ts";
import { Target } from "./target.ts";

export interface RoundOptions {
  readonly seed: number;
  readonly kills: number;
  /** Called after each kill that left everything in order. */
  readonly onKill?: (doom: Doom) => void;
}

export interface RoundOutcome {
  readonly violations: readonly Violation[];
  readonly history: History;
}

const CLIENTS = ["ann", "bob", "cem", "dee"];
const FLAGS = ["--no-token"];
const DOOMED_SERVER = ["--import", "tsx", new URL("doomed-server.ts", import.meta.url).pathname];

/**
 * Kills one server after the other while clients give commands and followers follow; lets all come to rest; then has
 * everything stopped. After each kill, what anybody was told is held against what is there. Ends at the first violation.
 */
export async function round(site: Site, { seed, kills, onKill = () => {} }: RoundOptions): Promise<RoundOutcome> {
  const random = new Random(seed);
  const history = new History();
  const target = new Target();
  const fleet = new Fleet();
  const cast = engage({ target, fleet, history, random });

  /** Lets a server live until it is killed, and judges what is left. */
  const live = async (server: Server | null, life: (server: Server) => Promise<readonly Violation[]>) => {
    if (server === null) return [];
    target.arrived(server);
    const violations = await life(server);
    await server.kill();
    target.left();
    return violations;
  };

  const torture = async (): Promise<readonly Violation[]> => {
    for (let killed = 0; killed < kills; killed += 1) {
      const doom = chooseDoom(random);
      await live(await bootUnder(site, doom), (server) => kill(server, doom, history).then(() => []));
      const violations = check(evidenceOf(site, history));
      if (violations.length > 0) return violations;
      onKill(doom);
    }
    const atRest = await live(await site.boot(FLAGS), async ({ client }) => {
      await cast.dismissClients();
      return rest(client, history);
    });
    if (atRest.length > 0) return atRest;
    const resting = checkAtRest(evidenceOf(site, history));
    if (resting.length > 0) return resting;

    const atEnd = await live(await site.boot(FLAGS), async (server) => {
      await clear(server, fleet, history, random);
      return [...(await rest(server.client, history)), ...(await leaks(server))];
    });
    return [...atEnd, ...checkAtRest(evidenceOf(site, history))];
  };

  try {
    return { violations: await torture(), history };
  } finally {
    await cast.dismissClients();
    await cast.dismissFollowers();
  }
}

interface Cast {
  /** Both reject with what made one of them fail. */
  dismissClients(): Promise<unknown>;
  dismissFollowers(): Promise<unknown>;
}

/** Those who give commands, and those who follow. */
function engage(context: Omit<FollowerContext, "hopping">): Cast {
  const clients = new AbortController();
  const followers = new AbortController();
  const own = () => ({ ...context, random: context.random.fork() });
  const commanding = Promise.all(CLIENTS.map((name) => runClient(name, own(), clients.signal)));
  const following = Promise.all([
    followAll({ ...own(), hopping: 0 }, followers.signal),
    followAll({ ...own(), hopping: 0.3 }, followers.signal),
    followOneByOne({ ...own(), hopping: 0.1 }, followers.signal),
    readOneByOne({ ...own(), hopping: 0.1 }, followers.signal),
    readOneByOne({ ...own(), hopping: 0 }, followers.signal),
  ]);
  for (const running of [commanding, following]) running.catch(() => {}); // whoever dismisses them hears of it
  return {
    dismissClients: () => {
      clients.abort();
      return commanding;
    },
    dismissFollowers: () => {
      followers.abort();
      return following;
    },
  };
}

/** @returns `null` if its doom came before it could be used. */
async function bootUnder(site: Site, doom: Doom): Promise<Server | null> {
  if (doom.at !== "call") return site.boot(FLAGS);
  try {
    return await site.boot(FLAGS, undefined, [...DOOMED_SERVER, JSON.stringify(doom)]);
  } catch (error) {
    const wasDoomed = error instanceof Error && error.message.endsWith("before it was ready: "); // it had nothing to say
    if (wasDoomed) return null;
    throw error;
  }
}

/** Stops every other workspace, and deletes the rest. */
async function clear(server: Server, fleet: Fleet, history: History, random: Random): Promise<void> {
  const { workspaces } = await server.client.list({ limit: 1_000 });
  await Promise.all(
    workspaces.map(async ({ name: workspace }, index) => {
      const verb = index % 2 === 0 ? "stop" : "delete";
      await history.record({ client: "end", verb, workspace }, perform(server, { verb, workspace }, fleet, random));
    }),
  );
}

async function leaks({ client }: Server): Promise<readonly Violation[]> {
  return (await client.leaks()).map((leak) => ({
    rule: "nothing leaks",
    workspace: null,
    what: `${leak.kind} ${leak.id} of ${leak.instanceId}: ${leak.reason}`,
  }));
}
