import { sourceKey } from "../../src/model/workspace.ts";
import type { Violation } from "./evidence.ts";
import type { History } from "./history.ts";

/** As much of a history as anybody reads. */
const MOST_LINES = 60;

/** The violations, and for each workspace that they are about what was done to it and told of it, oldest first. */
export function report(violations: readonly Violation[], history: History): string {
  const broken = violations.map(({ rule, workspace, what }) => `  ${rule} [${workspace ?? "-"}]: ${what}`);
  const names = new Set(violations.flatMap(({ workspace }) => workspace ?? []));
  return [
    "Violated:",
    ...broken,
    ...[...names].flatMap((name) => ["", `History of "${name}":`, ...storyOf(name, history)]),
  ].join("\n");
}

function storyOf(name: string, history: History): string[] {
  const operations = history.operations.filter(({ workspace }) => workspace === name);
  const ids = new Set(
    operations.flatMap(({ outcome }) => (outcome.type === "acknowledged" ? (outcome.view?.id ?? []) : [])),
  );
  const events = new Map(
    history.events
      .flatMap((followed) => followed.events)
      .filter(({ workspaceId }) => ids.has(workspaceId))
      .map((event) => [event.position, event]),
  );
  const story = [
    ...operations.map(({ client, verb, begunAt, endedAt, outcome }) => {
      const answer = outcome.type === "refused" ? outcome.code : outcome.type;
      const view = outcome.type === "acknowledged" ? outcome.view : null;
      const shown = view === null ? "" : `: ${view.state} of ${view.instanceId}, next ${view.nextInstanceId}`;
      return { at: begunAt, text: `${client} ${verb} → ${answer} after ${Math.round(endedAt - begunAt)} ms${shown}` };
    }),
    ...[...events.values()].map(({ at, position, instanceId, sequence, source, to, cause }) => ({
      at,
      text: `  event ${position} (${sequence} of ${instanceId}) ${sourceKey(source)}: ${to}, by ${cause}`,
    })),
  ].sort((one, other) => one.at - other.at);
  return story.slice(-MOST_LINES).map(({ at, text }) => `  ${new Date(at).toISOString().slice(11)} ${text}`);
}
