import type { ExecId, InstanceName, MachineName } from "./cast.ts";

/** What a supervisor asks of the place as a whole. `reopen` and `kill` are its own end, and the next one's beginning. */
export interface PlaceCall {
  readonly operation: "identities" | "reopen" | "kill";
}

/** `removeVolumes` is about the instance's workspace. */
export interface InstanceCall {
  readonly operation: "prepare" | "observe" | "destroy" | "removeVolumes";
  readonly instance: InstanceName;
}

export interface PlainMachineCall {
  readonly operation: "fetchImage" | "createMachine" | "startMachine" | "removeMachine" | "put" | "output" | "watch";
  readonly instance: InstanceName;
  readonly machine: MachineName;
}

export interface StopCall {
  readonly operation: "stopMachine";
  readonly instance: InstanceName;
  readonly machine: MachineName;
  readonly graceMs: number;
}

export interface ExecCall {
  readonly operation: "exec";
  readonly instance: InstanceName;
  readonly machine: MachineName;
  readonly id: ExecId;
}

export type MachineCall = PlainMachineCall | StopCall | ExecCall;

/** One call of the infrastructure, as data. */
export type Call = PlaceCall | InstanceCall | MachineCall;

/** A call, and when. */
export interface TimedCall {
  readonly call: Call;
  /** How long after its step began, in milliseconds. */
  readonly afterMs: number;
  /** How long after its own beginning its signal aborts, in milliseconds; `before`: it had; `null`: it does not. */
  readonly abortMs: number | "before" | null;
}

/** Calls that are made at once. The next step begins when all of them have settled. */
export type Step = readonly TimedCall[];

export function isOfInstance(call: Call): call is InstanceCall | MachineCall {
  return "instance" in call;
}

export function isOfMachine(call: Call): call is MachineCall {
  return "machine" in call;
}

export function timed(call: Call, { afterMs = 0, abortMs = null }: Partial<Omit<TimedCall, "call">> = {}): TimedCall {
  return { call, afterMs, abortMs };
}

/** `prepare(A); startMachine(A, counter) aborted after 3 ms`. */
export function describeSteps(steps: readonly Step[]): string {
  return steps.map(describeStep).join("; ");
}

function describeStep(step: Step): string {
  return step
    .map((timed, index) => {
      const when = index === 0 ? "" : timed.afterMs === 0 ? " at once with " : ` and, ${timed.afterMs} ms later, `;
      return `${when}${describeTimed(timed)}`;
    })
    .join("");
}

function describeTimed({ call, abortMs }: TimedCall): string {
  if (abortMs === null) return describeCall(call);
  return `${describeCall(call)} ${abortMs === "before" ? "with an aborted signal" : `aborted after ${abortMs} ms`}`;
}

export function describeCall(call: Call): string {
  if (!isOfInstance(call)) return `${call.operation}()`;
  if (!isOfMachine(call)) return `${call.operation}(${call.instance})`;
  const more = call.operation === "exec" ? [call.id] : call.operation === "stopMachine" ? [`${call.graceMs} ms`] : [];
  return `${call.operation}(${[call.instance, call.machine, ...more].join(", ")})`;
}
