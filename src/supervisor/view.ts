/** A workspace as everybody sees it, put together from its records and the last of each of its actors. Pure. */
import type { Exit } from "../../machines/failure.ts";
import type { Source } from "../../machines/port.ts";
import type { ActorRow, InstanceRow, WorkspaceRow } from "../journal/spi.ts";
import type { MachineSpec } from "../model/environment.ts";
import {
  type ActorView,
  type InstallerStatus,
  type InstallerView,
  type MachineStatus,
  type MachineView,
  type ServerStatus,
  type ServerView,
  type StopReason,
  sourceKey,
  type WorkspaceView,
} from "../model/workspace.ts";

/** The last known of each actor, by {@link sourceKey}. */
export type Actors = ReadonlyMap<string, ActorRow>;

/** @param instance the current or last one; `undefined` before the first start */
export function workspaceView(row: WorkspaceRow, instance: InstanceRow | undefined, actors: Actors): WorkspaceView {
  const own = actors.get("workspace");
  return {
    ...actorView(own, instance?.createdAt ?? row.createdAt),
    state: own?.state ?? "stopped",
    id: row.workspaceId,
    name: row.name,
    owner: row.owner,
    status: row.status,
    desired: instance !== undefined && instance.stoppedAt === null ? instance.desired : "stopped",
    attributes: row.attributes,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    version: row.version,
    instanceId: instance?.instanceId ?? null,
    nextInstanceId: (own?.data["nextInstanceId"] as string | null | undefined) ?? null,
    environment: instance?.environment.name ?? null,
    infrastructure: instance?.infrastructure ?? null,
    startedAt: instance?.createdAt ?? null,
    readyAt: instance?.readyAt ?? null,
    stoppedAt: instance?.stoppedAt ?? null,
    stopReason: instance?.stopReason ?? (own?.data["stopReason"] as StopReason | null | undefined) ?? null,
    failure: own?.failure ?? instance?.failure ?? null,
    warnings: instance?.warnings ?? [],
    machines: instance === undefined ? {} : machineViews(instance, actors),
  };
}

function machineViews({ environment, createdAt, stoppedAt }: InstanceRow, actors: Actors): Record<string, MachineView> {
  const last = stoppedAt === null ? actors : new Map([...actors].map(([key, row]) => [key, ended(row)]));
  return Object.fromEntries(
    Object.values(environment.machines).map((spec) => [spec.name, machineView(spec, last, createdAt)]),
  );
}

/**
 * What an actor is when its instance is gone. Most say so themselves; those that were let go of before they could (a stop
 * by force while the supervisor recovers, a budget used up, a fault of ours) are not shown as running for ever.
 */
function ended(row: ActorRow): ActorRow {
  const isAtWork = row.status === "STARTING" || row.status === "RUNNING";
  const status = row.source.kind === "installer" ? "FAILED" : "STOPPED";
  return { ...row, status: isAtWork ? status : row.status, deadlineAt: null, budgetMs: null };
}

function machineView(spec: MachineSpec, actors: Actors, since: number): MachineView {
  const row = actors.get(sourceKey({ kind: "machine", machine: spec.name }));
  const { installers, servers } = spec;
  return {
    ...actorView(row, since),
    status: (row?.status as MachineStatus | undefined) ?? "STOPPED",
    attributes: { ...spec.attributes, ...(row?.data["attributes"] as Record<string, string> | undefined) },
    exit: (row?.data["exit"] as Exit | null | undefined) ?? null,
    restarts: (row?.data["crashes"] as readonly number[] | undefined)?.length ?? 0,
    installers: Object.fromEntries(
      installers.map(({ id, version }): [string, InstallerView] => {
        const installer = find(actors, { kind: "installer", machine: spec.name, name: id });
        return [
          id,
          {
            ...actorView(installer, since),
            status: (installer?.status as InstallerStatus | undefined) ?? "STARTING",
            version,
          },
        ];
      }),
    ),
    servers: Object.fromEntries(
      Object.values(servers).map(({ name, internal, attributes }): [string, ServerView] => {
        const server = find(actors, { kind: "server", machine: spec.name, name });
        return [
          name,
          {
            ...actorView(server, since),
            status: (server?.status as ServerStatus | undefined) ?? "UNKNOWN",
            url: (server?.data["url"] as string | null | undefined) ?? null,
            internal,
            attributes,
            lastProbe: (server?.data["lastProbe"] as string | null | undefined) ?? null,
          },
        ];
      }),
    ),
  };
}

function find(actors: Actors, source: Source): ActorRow | undefined {
  return actors.get(sourceKey(source));
}

/** An actor that has not begun is shown as pending since its instance was made. */
function actorView(row: ActorRow | undefined, since: number): ActorView {
  return {
    state: row?.state ?? "pending",
    since: row?.at ?? since,
    deadlineAt: row?.deadlineAt ?? null,
    budgetMs: row?.budgetMs ?? null,
    failure: row?.failure ?? null,
  };
}
