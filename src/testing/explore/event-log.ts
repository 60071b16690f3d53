import { sourceKey, type TroupeEvent } from "../../model/workspace.ts";

/** All that was ever recorded, as it comes. */
export class EventLog {
  readonly all: TroupeEvent[] = [];
  /** The last of each actor, by {@link actorKey}. */
  readonly last = new Map<string, TroupeEvent>();

  /** Instances that were ever in the leak ledger. */
  readonly listed = new Set<string>();

  add(events: readonly TroupeEvent[]): void {
    for (const event of events) {
      this.all.push(event);
      if (event.instanceId !== null) this.last.set(actorKey(event.instanceId, sourceKey(event.source)), event);
    }
  }
}

/** @param source as {@link sourceKey} writes it */
export function actorKey(instanceId: string | null, source: string): string {
  return `${instanceId} ${source}`;
}
