/**
 * The transition tap: sees every transition of every chart of one actor system and projects it to an event.
 *
 * Only what is projected leaves: never a context, an actor or an error object.
 */
import type { InspectionEvent } from "xstate";
import { causeOf } from "../../machines/cause.ts";
import { type Failure, stateName } from "../../machines/failure.ts";
import type { InstallerContext } from "../../machines/installer.ts";
import type { MachineContext } from "../../machines/machine.ts";
import type { Source } from "../../machines/port.ts";
import type { ServerContext } from "../../machines/server.ts";
import type { WorkspaceContext } from "../../machines/workspace.ts";

type ChartContext = WorkspaceContext | MachineContext | InstallerContext | ServerContext;

interface ChartSnapshot {
  readonly value: unknown;
  readonly tags: ReadonlySet<string>;
  readonly context: ChartContext;
}

/** A transition as the charts show it. */
export interface Transition {
  readonly instanceId: string;
  readonly source: Source;
  readonly from: string | null;
  readonly to: string;
  readonly status: string;
  readonly cause: string;
  readonly failure: Failure | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Tags that say how a state behaves; all others are statuses. */
const BEHAVIOUR_TAGS = new Set(["busy", "away", "transient"]);

/**
 * An inspector for a root actor's system. States tagged `transient`, which are left within the step that
 * enters them, are passed over; what is shown goes from one real state to the next.
 *
 * @param report called in the order of the transitions; an error it throws goes to `failed`, never into an actor
 */
export function transitionTap(
  report: (transition: Transition) => void,
  failed: (error: unknown) => void,
): (event: InspectionEvent) => void {
  const last = new WeakMap<object, { readonly state: string; readonly instanceId: string }>();
  return (event) => {
    if (event.type !== "@xstate.microstep" && event.type !== "@xstate.snapshot") return;
    if (!isChart(event.snapshot)) return;
    try {
      const { value, tags, context } = event.snapshot;
      if (tags.has("transient") || context.instanceId === null) return;
      const state = stateName(value);
      const before = last.get(event.actorRef);
      if (before?.state === state && before.instanceId === context.instanceId) return;
      last.set(event.actorRef, { state, instanceId: context.instanceId });
      report({
        instanceId: context.instanceId,
        source: context.source,
        from: before?.instanceId === context.instanceId ? before.state : null,
        to: state,
        status: [...tags].find((tag) => !BEHAVIOUR_TAGS.has(tag)) ?? "UNKNOWN",
        cause: causeOf(event.event.type),
        failure: context.failure,
        data: dataOf(context),
      });
    } catch (error) {
      failed(error);
    }
  };
}

/** What else is worth telling. */
function dataOf(context: ChartContext): Readonly<Record<string, unknown>> {
  switch (context.source.kind) {
    case "workspace": {
      const { stopReason, next, relaunches } = context as WorkspaceContext;
      return { stopReason, nextInstanceId: next?.instanceId ?? null, relaunches };
    }
    case "machine": {
      const { exit, attributes, crashes, outcome } = context as MachineContext;
      return { exit, attributes, crashes, outcome };
    }
    case "installer":
      return { version: (context as InstallerContext).plan.version };
    case "server": {
      const { url, lastProbe } = context as ServerContext;
      return { url, lastProbe };
    }
  }
}

/** Promises and callbacks that charts invoke are actors too; they have no state to show. */
function isChart(snapshot: unknown): snapshot is ChartSnapshot {
  return typeof snapshot === "object" && snapshot !== null && "value" in snapshot && "tags" in snapshot;
}
