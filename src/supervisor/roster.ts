import type { LiveInstance } from "./live-instance.ts";
import type { LiveWorkspace } from "./live-workspace.ts";

/** The workspaces that have actors. A stopped workspace is a row, and costs nothing here. */
export class Roster {
  readonly #live = new Map<string, LiveWorkspace>();
  readonly #byInstance = new Map<string, LiveWorkspace>();
  readonly #perOwner = new Map<string, number>();

  get all(): readonly LiveWorkspace[] {
    return [...this.#live.values()];
  }

  get size(): number {
    return this.#live.size;
  }

  get(workspaceId: string): LiveWorkspace | undefined {
    return this.#live.get(workspaceId);
  }

  /** How many of an owner's workspaces are not stopped. */
  ofOwner(owner: string): number {
    return this.#perOwner.get(owner) ?? 0;
  }

  /** @throws if the instance has ended */
  instance(instanceId: string): LiveInstance {
    const live = this.#byInstance.get(instanceId)?.instances.get(instanceId);
    if (live === undefined) throw new Error(`Instance ${instanceId} has ended`);
    return live;
  }

  has(instanceId: string): boolean {
    return this.#byInstance.get(instanceId)?.instances.has(instanceId) ?? false;
  }

  add(workspace: LiveWorkspace): void {
    this.#live.set(workspace.row.workspaceId, workspace);
    this.#count(workspace.row.owner, 1);
  }

  addInstance(workspace: LiveWorkspace, instance: LiveInstance): void {
    workspace.instances.set(instance.id, instance);
    this.#byInstance.set(instance.id, workspace);
  }

  removeInstance(instanceId: string): void {
    this.#byInstance.get(instanceId)?.instances.delete(instanceId);
    this.#byInstance.delete(instanceId);
  }

  remove(workspace: LiveWorkspace): void {
    if (!this.#live.delete(workspace.row.workspaceId)) return;
    for (const instanceId of workspace.instances.keys()) this.#byInstance.delete(instanceId);
    this.#count(workspace.row.owner, -1);
  }

  #count(owner: string, change: number): void {
    const now = this.ofOwner(owner) + change;
    if (now === 0) this.#perOwner.delete(owner);
    else this.#perOwner.set(owner, now);
  }
}
