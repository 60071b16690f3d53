/**
 * What a restarted supervisor makes of what the journal says and the infrastructure shows. Pure.
 *
 * It looks only at what was wanted, what was last known and what is there. An operation that a crash cut
 * short needs no case of its own: all of them are idempotent.
 */
import type { MachineFound } from "../../machines/machine.ts";
import type { Recovered } from "../../machines/workspace.ts";
import type { Observation, ObservedMachine } from "../infrastructure/spi.ts";
import type { ActorRow, InstanceRow } from "../journal/spi.ts";
import type { MachineSpec } from "../model/environment.ts";
import { planOf } from "./plan.ts";

/** What the workspace's actor begins with. `next` is an instance that waits until this one has stopped. */
export function recoveredOf(row: InstanceRow, actors: readonly ActorRow[], next: InstanceRow | undefined): Recovered {
  const workspace = actors.find(({ source }) => source.kind === "workspace");
  return {
    run: { instanceId: row.instanceId, plan: planOf(row.environment) },
    was: phaseOf(workspace),
    isForced: row.forced,
    stopReason: row.desired === "stopped" || workspace?.status === "STOPPING" ? stopReasonOf(row, workspace) : null,
    failure: workspace?.failure ?? null,
    relaunches: (workspace?.data["relaunches"] as readonly number[] | undefined) ?? [],
    next: next === undefined ? null : { instanceId: next.instanceId, plan: planOf(next.environment) },
  };
}

/** What a machine's actor begins with. */
export function foundMachine(
  spec: MachineSpec,
  actors: readonly ActorRow[],
  observed: ObservedMachine | undefined,
): MachineFound {
  const row = actors.find(({ source }) => source.kind === "machine" && source.machine === spec.name);
  const servers = actors.filter(({ source }) => source.kind === "server" && source.machine === spec.name);
  return {
    was: wasOf(row),
    is: observed?.state ?? "absent",
    crashes: (row?.data["crashes"] as readonly number[] | undefined) ?? [],
    servers: Object.fromEntries(
      servers.map(({ source, status }) => [
        source.kind === "server" ? source.name : "",
        status === "STOPPED" ? ("stopped" as const) : ("running" as const),
      ]),
    ),
    urls: Object.fromEntries(Object.entries(observed?.started?.addresses ?? {}).map(([name, { url }]) => [name, url])),
    attributes: observed?.started?.attributes ?? {},
    failure: row?.failure ?? null,
    exit: observed?.exit ?? null,
  };
}

export function foundMachines(
  { environment }: InstanceRow,
  actors: readonly ActorRow[],
  observation: Observation,
): Readonly<Record<string, MachineFound>> {
  return Object.fromEntries(
    Object.values(environment.machines).map((spec) => [
      spec.name,
      foundMachine(spec, actors, observation.machines[spec.name]),
    ]),
  );
}

function phaseOf(workspace: ActorRow | undefined): Recovered["was"] {
  if (workspace?.status === "RUNNING") return "running";
  if (workspace?.status === "STOPPING") return "stopping";
  return workspace?.state.endsWith(".relaunching") ? "relaunching" : "starting";
}

function stopReasonOf(row: InstanceRow, workspace: ActorRow | undefined): NonNullable<Recovered["stopReason"]> {
  const told = row.stopReason ?? (workspace?.data["stopReason"] as Recovered["stopReason"] | undefined);
  return told ?? { by: "supervisor", message: "It was stopping when the supervisor ended" };
}

function wasOf(row: ActorRow | undefined): MachineFound["was"] {
  if (row === undefined) return "new";
  const [state] = row.state.split(".");
  if (state === "completed" || state === "failed" || state === "stopped") return state;
  if (state === "stopping") {
    const outcome = row.data["outcome"];
    return outcome === "completed" || outcome === "failed" ? outcome : "stopping";
  }
  return row.status === "RUNNING" ? "ready" : "starting";
}
