import type { EventObject } from "xstate";

/** What a happening is to a chart in one state. */
export type Reading =
  /** It reaches the chart as one of these events. `otherwise` says why nothing comes of those that change nothing. */
  | { readonly kind: "told"; readonly events: readonly EventObject[]; readonly otherwise: string | null }
  /** The actor is gone, and another begins with one of these inputs. */
  | { readonly kind: "begins"; readonly inputs: readonly { readonly input: unknown; readonly when: string }[] }
  | { readonly kind: "impossible"; readonly why: string };

/** Each of `events` may be how the chart hears of it. Without `otherwise`, it must do something about each. */
export function told(events: readonly EventObject[], otherwise: string | null = null): Reading {
  return { kind: "told", events, otherwise };
}

/** The chart does not hear of it, on purpose. */
export function unheard(why: string): Reading {
  return told([], why);
}

export function impossible(why: string): Reading {
  return { kind: "impossible", why };
}
