import type { Exit } from "../../../machines/failure.ts";
import { type Call, type InstanceCall, isOfInstance, isOfMachine, type MachineCall } from "./call.ts";
import {
  type InstanceName,
  instanceNames,
  keptBy,
  type MachineName,
  NOTHING_KEPT,
  type WorkspaceName,
  workspaceOf,
} from "./cast.ts";
import { InstanceModel } from "./instance-model.ts";
import type { MachineModel } from "./machine-model.ts";

/** What may be the case, as far as calls and observations tell. */
export class Model {
  readonly instances: Readonly<Record<InstanceName, InstanceModel>> = {
    A: new InstanceModel(),
    B: new InstanceModel(),
    C: new InstanceModel(),
  };
  readonly canReopen: boolean;
  readonly canBeKilled: boolean;
  /** What may be in the volume. */
  readonly #kept: Record<WorkspaceName, ReadonlySet<string>> = {
    first: new Set([NOTHING_KEPT]),
    second: new Set([NOTHING_KEPT]),
  };

  constructor({ canReopen, canBeKilled }: { readonly canReopen: boolean; readonly canBeKilled: boolean }) {
    this.canReopen = canReopen;
    this.canBeKilled = canBeKilled;
  }

  instanceOf({ instance }: { readonly instance: InstanceName }): InstanceModel {
    return this.instances[instance];
  }

  machineOf({ instance, machine }: { readonly instance: InstanceName; readonly machine: MachineName }): MachineModel {
    return this.instances[instance].machines[machine];
  }

  instancesOf(workspace: WorkspaceName): InstanceModel[] {
    return instanceNames.filter((name) => workspaceOf[name] === workspace).map((name) => this.instances[name]);
  }

  /** What a process may find in the workspace's volume. */
  keptIn(workspace: WorkspaceName): ReadonlySet<string> {
    return this.#kept[workspace];
  }

  /**
   * The call was made. `isDone`: it was fulfilled, undisturbed; otherwise it may have had its effect, or may have it yet.
   *
   * `exit`: of an `exec` that is done.
   */
  apply(call: Call, isDone: boolean, exit: Exit | null = null): void {
    if (isOfMachine(call)) this.#applyToMachine(call, isDone, exit);
    else if (isOfInstance(call)) this.#applyToInstance(call, isDone);
  }

  #applyToInstance(call: InstanceCall, isDone: boolean): void {
    const instance = this.instanceOf(call);
    if (call.operation === "prepare") instance.prepare(isDone);
    else if (call.operation === "destroy") instance.destroy(isDone);
    else if (call.operation === "removeVolumes") this.#keep(workspaceOf[call.instance], NOTHING_KEPT, isDone);
  }

  #applyToMachine(call: MachineCall, isDone: boolean, exit: Exit | null): void {
    const machine = this.machineOf(call);
    if (!isDone && mayCreate(call)) this.instanceOf(call).mayComeLate = true;
    if (call.operation === "createMachine") machine.create(isDone);
    else if (call.operation === "startMachine") machine.start(isDone);
    else if (call.operation === "stopMachine") machine.stop(isDone);
    else if (call.operation === "removeMachine") machine.remove(isDone);
    else if (call.operation === "put") machine.put(isDone);
    else if (call.operation === "exec") {
      const workspace = workspaceOf[call.instance];
      machine.ran(call.id, isDone ? exit : null);
      if (call.id === "keep") this.#keep(workspace, keptBy(workspace), isDone);
    }
  }

  #keep(workspace: WorkspaceName, text: string, isDone: boolean): void {
    this.#kept[workspace] = new Set(isDone ? [text] : [...this.#kept[workspace], text]);
  }
}

/** Whether something of the instance may come of it that was not there. */
function mayCreate({ operation }: MachineCall): boolean {
  return ["createMachine", "startMachine", "put", "exec"].includes(operation);
}
