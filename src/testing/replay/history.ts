/** What a workspace looked like after each event of an incident: as it was shown then, by the code that shows live ones. Pure. */
import type { InstanceRow, WorkspaceRow } from "../../journal/spi.ts";
import type { Incident, IncidentInstance } from "../../model/incident.ts";
import type { TroupeEvent, WorkspaceView } from "../../model/workspace.ts";
import { changesOf } from "../../supervisor/instance-changes.ts";
import { workspaceView } from "../../supervisor/view.ts";
import { WorkspaceRecords } from "../../supervisor/workspace-records.ts";

/** The workspace after the event at `index` (from 0). @throws {RangeError} if there is no such event */
export function viewAt(incident: Incident, index: number): WorkspaceView {
  if (incident.events[index] === undefined) throw new RangeError(`There is no event at ${index}`);
  const history = new History(incident);
  for (const event of incident.events.slice(0, index + 1)) history.takeOver(event);
  return history.view;
}

/** The workspace after each event, in order. */
export function* viewsOf(incident: Incident): Generator<WorkspaceView> {
  const history = new History(incident);
  for (const event of incident.events) {
    history.takeOver(event);
    yield history.view;
  }
}

class History {
  readonly #instances: ReadonlyMap<string, InstanceRow>;
  #row: WorkspaceRow;
  #records: WorkspaceRecords | null = null;

  constructor({ workspace: { id, ...workspace }, config, instances }: Incident) {
    this.#row = { ...workspace, workspaceId: id, config, instanceId: null, status: "STOPPED", deletingSince: null };
    this.#instances = new Map(instances.map((one) => [one.instanceId, asStarted(id, one)]));
  }

  get view(): WorkspaceView {
    return this.#records?.view ?? workspaceView(this.#row, undefined, new Map());
  }

  takeOver(event: TroupeEvent): void {
    if (event.instanceId === null) this.#changeRecord(event);
    else this.#changeInstance({ ...event, instanceId: event.instanceId });
  }

  #changeInstance(event: TroupeEvent & { readonly instanceId: string }): void {
    const records = this.#recordsOf(event.instanceId);
    records.takeOver(event);
    for (const { instanceId: _same, ...change } of changesOf(event)) records.changeInstance(change);
    if (event.source.kind === "workspace") records.keepNext(this.#next(event));
  }

  #changeRecord({ at, data: { version } }: TroupeEvent): void {
    const row = this.#records?.row ?? this.#row;
    this.#row = { ...row, updatedAt: at, version: typeof version === "number" ? version : row.version };
    this.#records?.keepRow(this.#row);
  }

  /** An event of another instance begins it. */
  #recordsOf(instanceId: string): WorkspaceRecords {
    if (this.#records?.instance.instanceId === instanceId) return this.#records;
    const instance = this.#instances.get(instanceId);
    if (instance === undefined) throw new Error(`The incident lacks instance ${instanceId}`);
    const row = { ...(this.#records?.row ?? this.#row), instanceId };
    this.#records = new WorkspaceRecords({ row, instance, next: null, actors: [] });
    return this.#records;
  }

  #next({ data }: TroupeEvent): InstanceRow | null {
    return this.#instances.get(String(data["nextInstanceId"])) ?? null;
  }
}

/** An instance as its record was when it began: events tell the rest. */
export function asStarted(workspaceId: string, instance: IncidentInstance): InstanceRow {
  return {
    ...instance,
    workspaceId,
    desired: "running",
    forced: false,
    readyAt: null,
    stoppedAt: null,
    stopReason: null,
    failure: null,
    warnings: instance.environment.warnings,
    lastOutput: [],
  };
}
