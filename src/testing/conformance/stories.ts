import { type Call, type Step, type TimedCall, timed } from "./call.ts";
import type { ExecId, InstanceName, MachineName } from "./cast.ts";

/** Moments at which an operation is disturbed, in milliseconds after it began: before, in and after the middle of most. */
export const MOMENTS_MS = [0, 1, 5, 25] as const;

type Sketch = Call | Step;

/** One call a step. */
function story(...sketches: readonly Sketch[]): Step[] {
  return sketches.map((sketch) => ("operation" in sketch ? [timed(sketch)] : sketch));
}

const prepare = (instance: InstanceName): Call => ({ operation: "prepare", instance });
const destroy = (instance: InstanceName): Call => ({ operation: "destroy", instance });
const removeVolumes = (instance: InstanceName): Call => ({ operation: "removeVolumes", instance });
const reopen: Call = { operation: "reopen" };
const kill: Call = { operation: "kill" };

type MachineOperation = "fetchImage" | "createMachine" | "startMachine" | "removeMachine" | "put" | "output" | "watch";
const on = (operation: MachineOperation, instance: InstanceName, machine: MachineName): Call => ({
  operation,
  instance,
  machine,
});
const stop = (instance: InstanceName, machine: MachineName, graceMs: number): Call => ({
  operation: "stopMachine",
  instance,
  machine,
  graceMs,
});
const exec = (instance: InstanceName, machine: MachineName, id: ExecId): Call => ({
  operation: "exec",
  instance,
  machine,
  id,
});

function launch(instance: InstanceName, machine: MachineName): Call[] {
  return [
    prepare(instance),
    on("fetchImage", instance, machine),
    on("createMachine", instance, machine),
    on("startMachine", instance, machine),
  ];
}

/** The way of one machine, and what there is to be done with it. */
const wholeWay: readonly Call[] = [
  prepare("A"),
  on("fetchImage", "A", "counter"),
  on("createMachine", "A", "counter"),
  on("put", "A", "counter"),
  on("startMachine", "A", "counter"),
  on("output", "A", "counter"),
  exec("A", "counter", "quick"),
  exec("A", "counter", "slow"),
  exec("A", "counter", "show"),
  on("watch", "A", "counter"),
  stop("A", "counter", 25_000),
  on("output", "A", "counter"),
  on("removeMachine", "A", "counter"),
  on("output", "A", "counter"),
  destroy("A"),
  on("output", "A", "counter"),
];

/** Each promise in one short sequence that a sound infrastructure passes and a careless one does not. */
export const stories: readonly (readonly Step[])[] = [
  story(...wholeWay),
  // Another instance, and another one of the same workspace, stand by.
  story(...launch("B", "counter"), ...launch("C", "stubborn"), ...wholeWay, on("output", "B", "counter")),
  // What was done is not done again, and an end is one machine's.
  story(
    ...launch("A", "counter"),
    ...launch("A", "counter"),
    ...launch("A", "stubborn"),
    on("output", "A", "counter"),
    stop("A", "counter", 25_000),
    on("removeMachine", "A", "counter"),
    on("output", "A", "stubborn"),
  ),
  // Volumes outlive their instance, until they are removed.
  story(
    ...launch("A", "counter"),
    exec("A", "counter", "keep"),
    destroy("A"),
    ...launch("C", "stubborn"),
    exec("C", "stubborn", "kept"),
  ),
  story(
    ...launch("A", "counter"),
    ...launch("B", "counter"),
    exec("A", "counter", "keep"),
    exec("B", "counter", "kept"),
    destroy("A"),
    removeVolumes("A"),
    ...launch("C", "stubborn"),
    exec("C", "stubborn", "kept"),
  ),
  // An exit is told to who watches, to who comes late, and to the next supervisor.
  story(
    ...launch("A", "brief"),
    on("watch", "A", "brief"),
    on("watch", "A", "brief"),
    reopen,
    on("watch", "A", "brief"),
    on("output", "A", "brief"),
  ),
  // What does not heed requests is ended all the same.
  story(
    ...launch("A", "stubborn"),
    on("output", "A", "stubborn"),
    stop("A", "stubborn", 60),
    on("watch", "A", "stubborn"),
  ),
  story(
    ...launch("A", "stubborn"),
    on("output", "A", "stubborn"),
    [timed(stop("A", "stubborn", 25_000)), timed(stop("A", "stubborn", 0), { afterMs: 5 })],
    on("removeMachine", "A", "stubborn"),
  ),
  story(
    ...launch("A", "stubborn"),
    [timed(exec("A", "stubborn", "forever"), { abortMs: 25 })],
    [timed(stop("A", "stubborn", 25_000), { abortMs: 5 })],
    stop("A", "stubborn", 0),
    destroy("A"),
  ),
  story(
    ...launch("A", "stubborn"),
    [
      timed(on("watch", "A", "stubborn")),
      timed(exec("A", "stubborn", "forever")),
      timed(stop("A", "stubborn", 0), { afterMs: 25 }),
    ],
    destroy("A"),
  ),
  // A machine that is made again goes on in the same streams.
  story(
    ...launch("A", "counter"),
    exec("A", "counter", "quick"),
    on("output", "A", "counter"),
    on("removeMachine", "A", "counter"),
    ...launch("A", "counter"),
    exec("A", "counter", "quick"),
    on("output", "A", "counter"),
  ),
  // The next supervisor adopts what runs, however the last one ended.
  story(
    ...launch("A", "counter"),
    [timed(exec("A", "counter", "slow"), { abortMs: 5 })],
    on("output", "A", "counter"),
    reopen,
    on("startMachine", "A", "counter"),
    exec("A", "counter", "slow"),
    on("output", "A", "counter"),
    stop("A", "counter", 25_000),
    destroy("A"),
  ),
  story(
    ...launch("A", "counter"),
    [timed(exec("A", "counter", "slow")), timed(kill, { afterMs: 5 })],
    on("startMachine", "A", "counter"),
    exec("A", "counter", "slow"),
    on("output", "A", "counter"),
    destroy("A"),
  ),
  story(
    prepare("A"),
    on("createMachine", "A", "counter"),
    exec("A", "counter", "quick"),
    on("startMachine", "A", "counter"),
  ),
];

/** The whole way with one of its calls disturbed in each way, and then gone on with. */
export const variations: readonly (readonly Step[])[] = wholeWay.flatMap((call, index) => {
  const before = wholeWay.slice(0, index);
  const rest = wholeWay.slice(index + 1);
  const vary = (...varied: readonly Sketch[]) => story(...before, ...varied, ...rest);
  const at = (timing: Partial<Omit<TimedCall, "call">>) => [timed(call, timing)];
  return [
    vary(call, call),
    vary([timed(call), timed(call), timed(call)]),
    vary(at({ abortMs: "before" }), call),
    vary(call, reopen, call),
    vary(call, kill, call),
    ...MOMENTS_MS.flatMap((momentMs) => [
      vary(at({ abortMs: momentMs }), call),
      vary(at({ abortMs: momentMs }), destroy("A")),
      vary([timed(call), timed(destroy("A"), { afterMs: momentMs })]),
      vary([timed(call), timed(kill, { afterMs: momentMs })], call),
    ]),
  ];
});
