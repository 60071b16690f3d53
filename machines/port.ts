/**
 * How a chart names work that it wants done and does not do itself.
 *
 * `src/supervisor/ports.ts` provides the work with `logic.provide({ actors })`. Work
 * that nobody provided fails by name, so a chart that is run bare does not hang.
 */
import {
  type CallbackActorLogic,
  type EventObject,
  fromCallback,
  fromPromise,
  type NonReducibleUnknown,
  type PromiseActorLogic,
} from "xstate";

/** Work that settles once. Its `AbortSignal` fires when the state that wants it is left. */
export function port<Output, Input extends NonReducibleUnknown>(name: string): PromiseActorLogic<Output, Input> {
  return fromPromise<Output, Input>(() => Promise.reject(notProvided(name)));
}

/** Work that goes on for as long as its state, and tells facts to the chart that invoked it. */
export function source<Input extends NonReducibleUnknown>(name: string): CallbackActorLogic<EventObject, Input> {
  return fromCallback<EventObject, Input>(() => {
    throw notProvided(name);
  });
}

/**
 * The budget of a waiting state. It never resolves: it rejects with `DEADLINE_EXCEEDED` when the budget is used up.
 *
 * The absolute time is written down when the state is entered and taken up again after a
 * crash, so a budget is never longer because the supervisor restarted.
 */
export const deadline = port<never, DeadlineInput>("deadline");

export interface DeadlineInput {
  readonly instanceId: string;
  readonly source: Source;
  /** Names the budget within its actor, e.g. `"starting.preparing"`. */
  readonly state: string;
  readonly budgetMs: number;
  /** What takes its time, as the beginning of a sentence: `Booting machine "web"`. */
  readonly what: string;
}

/** Which actor of an instance speaks. */
export type Source =
  | { readonly kind: "workspace" }
  | { readonly kind: "machine"; readonly machine: string }
  | { readonly kind: "installer"; readonly machine: string; readonly name: string }
  | { readonly kind: "server"; readonly machine: string; readonly name: string };

function notProvided(name: string): Error {
  return new Error(`Cannot run port "${name}": no implementation was provided`);
}
