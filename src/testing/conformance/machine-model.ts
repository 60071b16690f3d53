import type { Exit } from "../../../machines/failure.ts";
import type { ObservedMachine, StartedMachine } from "../../infrastructure/spi.ts";
import { type ExecId, execIds, type MachineName } from "./cast.ts";

/** Whether something was done. `maybe`: its call was let go of. */
export type Done = "no" | "maybe" | "yes";

export type MachineState = "absent" | ObservedMachine["state"];

/** How often something happened, at least and at most. */
export interface Times {
  readonly min: number;
  readonly max: number;
}

/** What was begun in a machine under an id. */
interface ExecModel {
  run: Done;
  /** As told first. */
  exit: Exit | null;
  wasLetGo: boolean;
}

/** From the creation of a machine to its removal. */
interface Life {
  run: Done;
  /** As told first. */
  started: StartedMachine | null;
  readonly execs: Map<ExecId, ExecModel>;
  note: Done;
  /** Whether its command is known to have come so far that it runs on when it is asked to end. */
  ignoresRequests: boolean;
  /** Whether it may have been asked to end. */
  wasStopped: boolean;
}

type Change = "createMachine" | "startMachine" | "stopMachine" | "removeMachine" | "put";

const NEVER: Times = { min: 0, max: 0 };

/** What may be the case with one machine, as far as calls and observations tell. */
export class MachineModel {
  readonly name: MachineName;
  life: Life;
  /** How many lives came before. */
  livesBefore = 0;
  #possible: ReadonlySet<MachineState> = new Set(["absent"]);
  /** What was let go of, and may still have its effect. */
  readonly #late = new Set<Change | ExecId>();
  #runsBefore = NEVER;
  readonly #execRunsBefore = new Map<ExecId, Times>();

  constructor(name: MachineName) {
    this.name = name;
    this.life = this.#newLife();
  }

  get possible(): ReadonlySet<MachineState> {
    return this.#possible;
  }

  /** Whether it is in one of these states, whichever. */
  isIn(...states: readonly MachineState[]): boolean {
    return [...this.#possible].every((state) => states.includes(state));
  }

  get hasLate(): boolean {
    return this.#late.size > 0;
  }

  /** Whether an end that was let go of may still come: then nothing can be done with it but ending it. */
  get isEnding(): boolean {
    return this.#late.has("stopMachine") || this.#late.has("removeMachine");
  }

  /** Whether its file may still be written. */
  get isBeingWritten(): boolean {
    return this.#late.has("put");
  }

  /** How often its command was run. */
  get runs(): Times {
    return plus(this.#runsBefore, this.life.run);
  }

  /** How often processes were begun under the id. */
  execRuns(id: ExecId): Times {
    return plus(this.#execRunsBefore.get(id) ?? NEVER, this.exec(id).run);
  }

  exec(id: ExecId): ExecModel {
    const exec = this.life.execs.get(id) ?? { run: "no", exit: null, wasLetGo: false };
    this.life.execs.set(id, exec);
    return exec;
  }

  create(isDone: boolean): void {
    this.#change("createMachine", isDone, (state) => (state === "absent" ? "created" : state));
  }

  start(isDone: boolean): void {
    this.#change("startMachine", isDone, (state) => (state === "created" ? "running" : state));
    this.life.run = after(this.life.run, isDone);
  }

  stop(isDone: boolean): void {
    this.life.wasStopped = true;
    this.#change("stopMachine", isDone, (state) => (state === "running" ? "exited" : state));
  }

  remove(isDone: boolean): void {
    this.life.wasStopped = true;
    this.#change("removeMachine", isDone, () => "absent");
    if (isDone) this.#endLife();
  }

  put(isDone: boolean): void {
    this.life.note = isDone ? "yes" : "maybe";
    if (!isDone) this.#late.add("put");
  }

  /** `exit`: `null` if it was let go of. */
  ran(id: ExecId, exit: Exit | null): void {
    const exec = this.exec(id);
    exec.run = after(exec.run, exit !== null);
    exec.exit ??= exit;
    if (exit !== null) return;
    exec.wasLetGo = true;
    this.#late.add(id);
  }

  /** Its instance is gone. */
  destroy(): void {
    this.#possible = new Set(["absent"]);
  }

  /** It was seen so. */
  see(state: MachineState): void {
    this.#possible = this.#closed(new Set([state]));
  }

  #change(change: Change, isDone: boolean, effect: (state: MachineState) => MachineState): void {
    const changed = [...this.#possible].map(effect);
    if (!isDone) this.#late.add(change);
    this.#possible = this.#closed(new Set(isDone ? changed : [...this.#possible, ...changed]));
  }

  /** With all that may become of it by itself, or by what was let go of. */
  #closed(states: ReadonlySet<MachineState>): ReadonlySet<MachineState> {
    const closed = new Set(states);
    if (this.#late.has("removeMachine")) closed.add("absent");
    if (this.#late.has("createMachine") && closed.has("absent")) closed.add("created");
    if (this.#late.has("startMachine") && closed.has("created")) closed.add("running");
    if ((this.#late.has("stopMachine") || this.name === "brief") && closed.has("running")) closed.add("exited");
    return closed;
  }

  #endLife(): void {
    this.#runsBefore = this.runs;
    for (const id of execIds) this.#execRunsBefore.set(id, this.execRuns(id));
    this.livesBefore += 1;
    this.life = this.#newLife();
  }

  #newLife(): Life {
    const execs = new Map<ExecId, ExecModel>();
    for (const id of execIds) {
      if (this.#late.has(id)) execs.set(id, { run: "maybe", exit: null, wasLetGo: true });
    }
    const run = this.#late.has("startMachine") ? "maybe" : "no";
    return { run, started: null, execs, ignoresRequests: false, note: "no", wasStopped: false };
  }
}

function after(before: Done, isDone: boolean): Done {
  if (isDone || before === "yes") return "yes";
  return "maybe";
}

function plus({ min, max }: Times, done: Done): Times {
  return { min: min + (done === "yes" ? 1 : 0), max: max + (done === "no" ? 0 : 1) };
}
