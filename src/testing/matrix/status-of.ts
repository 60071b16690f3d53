import type { AnyMachineSnapshot } from "xstate";

/** Tags that say how a state behaves; all others are statuses. */
const behaviourTags = ["busy", "away", "transient"];

/** The status that a snapshot shows. */
export function statusOf({ tags }: AnyMachineSnapshot): string {
  return [...(tags as ReadonlySet<string>)].find((tag) => !behaviourTags.includes(tag)) ?? "UNKNOWN";
}
