import type { ActorRow, InstanceRow, WorkspaceRow } from "../journal/spi.ts";
import { sourceKey, type TroupeEvent, type WorkspaceView } from "../model/workspace.ts";
import { workspaceView } from "./view.ts";

/** What is known of a workspace: its records, and the last of each actor of its instance. Committed events change it. */
export class WorkspaceRecords {
  #row: WorkspaceRow;
  #instance: InstanceRow;
  #next: InstanceRow | null;
  readonly #actors: Map<string, ActorRow>;

  constructor(records: {
    readonly row: WorkspaceRow;
    readonly instance: InstanceRow;
    readonly next: InstanceRow | null;
    readonly actors: readonly ActorRow[];
  }) {
    this.#row = records.row;
    this.#instance = records.instance;
    this.#next = records.next;
    this.#actors = new Map(records.actors.map((actor) => [sourceKey(actor.source), actor]));
  }

  get row(): WorkspaceRow {
    return this.#row;
  }

  get instance(): InstanceRow {
    return this.#instance;
  }

  /** The instance that waits until the current one has stopped. */
  get next(): InstanceRow | null {
    return this.#next;
  }

  get actors(): readonly ActorRow[] {
    return [...this.#actors.values()];
  }

  get view(): WorkspaceView {
    return {
      ...workspaceView(this.#row, this.#instance, this.#actors),
      nextInstanceId: this.#next?.instanceId ?? null,
    };
  }

  /** Whether it is stopped, and nothing is to come. */
  get isOver(): boolean {
    return this.#instance.stoppedAt !== null && this.#next === null;
  }

  keepRow(row: WorkspaceRow): void {
    this.#row = row;
  }

  keepNext(next: InstanceRow | null): void {
    this.#next = next;
  }

  /** The next instance becomes the current one. */
  advance(): void {
    if (this.#next === null) return;
    this.#instance = this.#next;
    this.#next = null;
    this.#actors.clear();
    this.#row = { ...this.#row, instanceId: this.#instance.instanceId };
  }

  changeInstance(change: Partial<InstanceRow>): void {
    this.#instance = { ...this.#instance, ...change };
  }

  /** Takes over a committed event. */
  takeOver(event: TroupeEvent): void {
    const { instanceId, source, to, status, at, deadlineAt, budgetMs, failure, data } = event;
    if (instanceId !== this.#instance.instanceId) return;
    this.#actors.set(sourceKey(source), {
      instanceId,
      source,
      state: to,
      status,
      at,
      deadlineAt,
      budgetMs,
      failure,
      data,
    });
    if (source.kind === "workspace") this.#row = { ...this.#row, status: status as WorkspaceRow["status"] };
  }
}
