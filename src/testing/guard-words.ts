import type { AnyTransitionDefinition } from "xstate";

/**
 * When a transition is taken, among the alternatives for its event: `may restart`; `otherwise` for the one without a
 * guard that follows others; empty where there is nothing to choose.
 */
export function guardWords({ guard }: Pick<AnyTransitionDefinition, "guard">, index: number): string {
  if (guard === undefined) return index === 0 ? "" : "otherwise";
  return words(nameOf(guard));
}

function nameOf(guard: unknown): string {
  if (typeof guard === "string") return guard;
  return typeof guard === "object" && guard !== null && "type" in guard ? String(guard.type) : "some condition";
}

/** `hasMachines` as `has machines`. */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
