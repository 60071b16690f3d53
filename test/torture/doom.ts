/** How a server is killed: always with `kill -9`, at a moment that is worth it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Server } from "../scenarios/server.ts";
import type { History } from "./history.ts";
import type { Random } from "./random.ts";

export type Doom =
  | { readonly at: "time"; readonly afterMs: number }
  /** As soon as so many more answers have come, and a moment later. */
  | { readonly at: "acknowledgement"; readonly count: number; readonly delayUs: number }
  /** After it was stopped in the middle of whatever it did, while requests went on coming in. */
  | { readonly at: "stall"; readonly afterMs: number; readonly stalledMs: number }
  | ({ readonly at: "call" } & DoomedCall);

/** The nth call of a method of the journal or the infrastructure. `during`: while its promise is pending. */
export interface DoomedCall {
  readonly method: DoomedMethod;
  readonly nth: number;
  readonly edge: "before" | "during" | "after";
}

export const journalMethods = [
  "createWorkspace",
  "updateWorkspace",
  "markDeleting",
  "deleteWorkspace",
  "createInstance",
  "makeCurrent",
  "intend",
  "append",
  "recordLeaks",
] as const;

export const infrastructureMethods = [
  "prepare",
  "createMachine",
  "startMachine",
  "stopMachine",
  "removeMachine",
  "exec",
  "put",
  "observe",
  "destroy",
  "removeVolumes",
] as const;

export type DoomedMethod = (typeof journalMethods)[number] | (typeof infrastructureMethods)[number];

/** Some methods are called rarely; a server whose moment does not come is killed after this, in milliseconds. */
const LONGEST_LIFE_MS = 1_500;

export function chooseDoom(random: Random): Doom {
  switch (random.weighted({ time: 2, acknowledgement: 3, stall: 1, call: 6 })) {
    case "time":
      return { at: "time", afterMs: random.between(0, 1_500) };
    case "acknowledgement":
      return { at: "acknowledgement", count: random.between(1, 25), delayUs: random.pick([0, 0, 100, 500, 3_000]) };
    case "stall":
      return { at: "stall", afterMs: random.between(50, 800), stalledMs: random.between(5, 100) };
    case "call":
      return { at: "call", ...chooseCall(random) };
  }
}

function chooseCall(random: Random): DoomedCall {
  if (random.chance(0.5)) {
    const method = random.pick(journalMethods);
    return { method, nth: random.between(1, method === "append" ? 40 : 3), edge: random.pick(["before", "after"]) };
  }
  return {
    method: random.pick(infrastructureMethods),
    nth: random.between(1, 4),
    edge: random.pick(["before", "during", "after"]),
  };
}

export function describeDoom(doom: Doom): string {
  switch (doom.at) {
    case "time":
      return `${doom.afterMs} ms after it was ready`;
    case "acknowledgement":
      return `${doom.delayUs} µs after acknowledgement ${doom.count}`;
    case "stall":
      return `after ${doom.stalledMs} ms of SIGSTOP`;
    case "call":
      return `${doom.edge} ${doom.method} ${doom.nth}`;
  }
}

/** Resolves when the server is gone. */
export async function kill(server: Server, doom: Doom, history: History): Promise<void> {
  switch (doom.at) {
    case "time":
      await sleep(doom.afterMs);
      break;
    case "acknowledgement":
      await killAtAcknowledgement(server, doom, history);
      break;
    case "stall":
      await sleep(doom.afterMs);
      process.kill(server.ready.pid, "SIGSTOP");
      await sleep(doom.stalledMs);
      break;
    case "call": // it does it itself: see doomed-server.ts
      await Promise.race([server.ended, sleep(LONGEST_LIFE_MS)]);
      break;
  }
  await server.kill();
}

/** In the very turn of the event loop in which the answer is seen. */
async function killAtAcknowledgement(
  server: Server,
  { count, delayUs }: Extract<Doom, { at: "acknowledgement" }>,
  history: History,
): Promise<void> {
  let left = count;
  const killed = new Promise<void>((resolve) => {
    history.onAcknowledged = () => {
      left -= 1;
      if (left > 0) return;
      const killAt = performance.now() + delayUs / 1_000;
      while (performance.now() < killAt); // no timer is that exact
      resolve(server.kill()); // the signal is sent at once
    };
  });
  await Promise.race([killed, sleep(LONGEST_LIFE_MS)]);
  history.onAcknowledged = () => {};
}
