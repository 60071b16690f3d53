/** What a supervisor may call when: for anything else nothing is promised. */
import { type Call, isOfInstance, isOfMachine, type MachineCall } from "./call.ts";
import { type ExecId, workspaceOf } from "./cast.ts";
import type { MachineModel } from "./machine-model.ts";
import type { Model } from "./model.ts";

/** Whether a supervisor may make this call now. */
export function applies(call: Call, model: Model): boolean {
  if (isOfMachine(call)) return appliesToMachine(call, model);
  switch (call.operation) {
    case "prepare":
      return !model.instanceOf(call).isDoomed;
    case "removeVolumes":
      return model.instancesOf(workspaceOf[call.instance]).every(({ exists, hasLate }) => exists === "no" && !hasLate);
    case "reopen":
      return model.canReopen;
    case "kill":
      return model.canBeKilled;
    default:
      return true;
  }
}

/** Whether it was done already, so that nothing may change. */
export function isRepeated(call: Call, model: Model): boolean {
  if (!isOfInstance(call)) return false;
  if (!isOfMachine(call)) {
    const { exists, isDoomed } = model.instanceOf(call);
    if (call.operation === "prepare") return exists === "yes";
    return call.operation === "destroy" && isDoomed && exists === "no";
  }
  const machine = model.machineOf(call);
  switch (call.operation) {
    case "createMachine":
      return machine.isIn("created", "running", "exited");
    case "startMachine":
      return machine.isIn("running", "exited");
    case "stopMachine":
      return machine.isIn("absent", "created", "exited");
    case "removeMachine":
      return machine.isIn("absent");
    case "exec":
      return machine.exec(call.id).run === "yes";
    default:
      return false;
  }
}

/** Whether it must be refused: no process runs in a machine that does not. */
export function isRefused(call: Call, model: Model): boolean {
  return call.operation === "exec" && model.machineOf(call).isIn("created");
}

function appliesToMachine(call: MachineCall, model: Model): boolean {
  const instance = model.instanceOf(call);
  const machine = model.machineOf(call);
  if (call.operation === "output") return !instance.isUnclear;
  if (instance.isDoomed) return false;
  switch (call.operation) {
    case "fetchImage":
    case "createMachine":
      return instance.exists === "yes" && !machine.isEnding && machine.isIn("absent", "created", "running");
    case "startMachine":
      return !machine.isEnding && machine.isIn("created", "running");
    case "put":
      return !machine.isEnding && machine.name !== "brief" && machine.isIn("created", "running");
    case "exec":
      return mayExec(machine, call.id);
    case "watch":
      return machine.isIn("running", "exited");
    default:
      return true;
  }
}

function mayExec(machine: MachineModel, id: ExecId): boolean {
  if (machine.isEnding || machine.name === "brief") return false;
  if (machine.isIn("created")) return machine.exec(id).run === "no";
  const hasFile = machine.life.note === "yes" && !machine.isBeingWritten;
  return machine.isIn("running") && (id !== "show" || hasFile);
}
