import { type AnyMachineSnapshot, type EventObject, getNextTransitions, initialTransition } from "xstate";
import { getShortestPaths } from "xstate/graph";
import { comparable } from "./comparable.ts";
import { failed } from "./outcome.ts";
import type { Beginning, MatrixSubject, Moment } from "./subject.ts";

/** A chart with more snapshots than this counts something in its context that a walk must bound. */
const MAX_STEPS = 200_000;

/** Every snapshot in which the chart may come to rest, each with a shortest way there. */
export function reach({ logic, beginnings, essence }: MatrixSubject): readonly Moment[] {
  const known = new Map<string, Moment>();
  const keyOf = (snapshot: AnyMachineSnapshot): string =>
    comparable([snapshot.value, essence === undefined ? snapshot.context : essence(snapshot)]);
  for (const beginning of beginnings) {
    const first = keyOf(initialTransition(logic, beginning.input)[0]);
    const paths = getShortestPaths(logic, {
      input: beginning.input,
      events: (snapshot: AnyMachineSnapshot) => eventsIn(snapshot, beginning),
      serializeState: keyOf,
      serializeEvent: comparable,
      // What an earlier walk came by leads where that one went; only a first state may lead elsewhere this time.
      stopWhen: (snapshot: AnyMachineSnapshot) => keyOf(snapshot) !== first && known.has(keyOf(snapshot)),
      limit: MAX_STEPS,
    } as Parameters<typeof getShortestPaths>[1]);
    const found = paths.map(({ state, steps }): [string, Moment] => {
      const snapshot = state as AnyMachineSnapshot;
      return [keyOf(snapshot), { snapshot, path: steps.map(({ event }) => event as EventObject) }];
    });
    for (const [key, moment] of found) if (!known.has(key)) known.set(key, moment);
  }
  return [...known.values()];
}

/** All that the chart listens to in its present state. */
function eventsIn(snapshot: AnyMachineSnapshot, { events }: Beginning): EventObject[] {
  const known = events?.(snapshot) ?? {};
  const types = new Set(getNextTransitions(snapshot).map(({ eventType }) => eventType));
  types.delete(""); // eventless
  return [...types].flatMap((type) => known[type] ?? [bare(type)]);
}

function bare(type: string): EventObject {
  const [, id] = /^xstate\.error\.actor\.(.+)$/.exec(type) ?? [];
  return id === undefined
    ? { type }
    : failed(id, id.toLowerCase().endsWith("deadline") ? "DEADLINE_EXCEEDED" : undefined);
}
