import { isMachineSnapshot } from "xstate";

/** A value as text: alike is equal. Actors are left out: they are of one walk. */
export function comparable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (isActor(inner) || isMachineSnapshot(inner) ? undefined : inner));
}

function isActor(value: unknown): boolean {
  return typeof value === "object" && value !== null && "sessionId" in value && "getSnapshot" in value;
}
