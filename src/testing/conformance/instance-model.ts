import { type MachineName, machineNames } from "./cast.ts";
import { type Done, MachineModel } from "./machine-model.ts";

/** What may be the case with one instance. It is used once: after `destroy` it is only destroyed again. */
export class InstanceModel {
  readonly machines: Readonly<Record<MachineName, MachineModel>> = {
    counter: new MachineModel("counter"),
    stubborn: new MachineModel("stubborn"),
    brief: new MachineModel("brief"),
  };
  exists: Done = "no";
  /** Whether `destroy` was called. */
  isDoomed = false;
  /** Whether something that was let go of may still bring it into being, in part. */
  mayComeLate = false;

  get hasLate(): boolean {
    return this.mayComeLate || machineNames.some((name) => this.machines[name].hasLate);
  }

  /** Whether it was called for at all. */
  get isMet(): boolean {
    return this.exists !== "no" || this.isDoomed || this.hasLate;
  }

  /** Whether nothing can be said of it any more, but that it goes when it is destroyed again. */
  get isUnclear(): boolean {
    return this.isDoomed && (this.hasLate || this.exists !== "no");
  }

  prepare(isDone: boolean): void {
    if (isDone) this.exists = "yes";
    else {
      this.mayComeLate = true;
      if (this.exists === "no") this.exists = "maybe";
    }
  }

  destroy(isDone: boolean): void {
    this.isDoomed = true;
    if (isDone) {
      this.exists = this.hasLate ? "maybe" : "no";
      for (const name of machineNames) this.machines[name].destroy();
    } else if (this.exists === "yes") this.exists = "maybe";
  }

  /** It was seen so. */
  see(exists: boolean): void {
    if (exists) this.exists = "yes";
    else if (!this.mayComeLate) this.exists = "no";
  }
}
