import type { Source } from "../../machines/port.ts";
import type { ActorRow } from "../../src/journal/spi.ts";

/** The last that is known of an actor. */
export function actorRow(source: Source, state: string, more: Partial<ActorRow> = {}): ActorRow {
  return {
    instanceId: "i-1",
    source,
    state,
    status: "STARTING",
    at: 0,
    deadlineAt: null,
    budgetMs: null,
    failure: null,
    data: {},
    ...more,
  };
}
