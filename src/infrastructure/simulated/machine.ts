import type { Exit } from "../../../machines/failure.ts";
import { TroupeError } from "../../errors.ts";
import type { MachineSpec } from "../../model/environment.ts";
import type { Clock } from "../../supervisor/api.ts";
import type { ExecRequest, MachineFact, ObservedMachine, StartedMachine } from "../spi.ts";
import { abortable } from "./abortable.ts";
import { Bell } from "./bell.ts";
import type { MachineOutput } from "./output.ts";
import { RunningProcess, type SimulatedProcess, type SimulatedProgram } from "./process.ts";

/** One machine, from its creation to its removal. */
export class Machine {
  readonly spec: MachineSpec;
  readonly output: MachineOutput;
  /** By path. */
  readonly files = new Map<string, string | Uint8Array>();
  /** By id. */
  readonly execs = new Map<string, RunningProcess>();
  /** Why it cannot be reached; `null` while it can. */
  away: string | null = null;
  /** Why it cannot be removed; `null` while it can. */
  jammed: string | null = null;
  readonly #clock: Clock;
  readonly #volume: SimulatedProcess["volume"];
  readonly #changed = new Bell();
  /** Servers that do not answer. */
  readonly #silent = new Set<string>();
  #main: RunningProcess | null = null;
  #started: StartedMachine | null = null;
  #discarded = false;

  constructor(spec: MachineSpec, output: MachineOutput, clock: Clock, volume: SimulatedProcess["volume"]) {
    this.spec = spec;
    this.output = output;
    this.#clock = clock;
    this.#volume = volume;
  }

  get exit(): Exit | null {
    return this.#main?.exit ?? null;
  }

  get state(): ObservedMachine["state"] {
    if (this.#main === null) return "created";
    return this.#main.exit === null ? "running" : "exited";
  }

  /** What it was started with, running or ended; `null` before. */
  get started(): StartedMachine | null {
    return this.#started;
  }

  get observed(): ObservedMachine {
    return { state: this.state, started: this.state === "running" ? this.#started : null, exit: this.exit };
  }

  /** Runs its command. `onExit` is called when that has ended. */
  start(
    program: SimulatedProgram,
    addresses: StartedMachine["addresses"],
    onExit: (exit: Exit) => void,
  ): StartedMachine {
    const command = this.spec.command ?? [];
    this.#started = { addresses, warnings: [], attributes: { simulated: command.join(" ") } };
    this.#main = this.#run({ id: null, command, env: this.spec.env }, program, (exit) => {
      for (const exec of this.execs.values()) exec.end({ signal: "SIGKILL" });
      onExit(exit);
      this.#changed.ring();
    });
    return this.#started;
  }

  /** Begins a process, or finds the one that was begun under its id. */
  exec({ id, command, env }: ExecRequest, program: SimulatedProgram): RunningProcess {
    this.assertRuns();
    const begun = this.execs.get(id);
    if (begun !== undefined) return begun;
    const process = this.#run({ id, command, env: { ...this.spec.env, ...env } }, program, () => {});
    this.execs.set(id, process);
    return process;
  }

  /** Asks it to end, and ends it after `graceMs`. Resolves when it has ended. */
  async stop(graceMs: number, signal: AbortSignal): Promise<void> {
    const main = this.#main;
    if (main === null || main.exit !== null) return;
    const kill = () => main.end({ signal: "SIGKILL" });
    if (graceMs <= 0) return kill();
    const graceOver = this.#clock.setTimeout(kill, graceMs);
    try {
      for (const process of [main, ...this.execs.values()]) process.terminate();
      await abortable(main.ended, signal);
    } finally {
      this.#clock.clearTimeout(graceOver);
    }
  }

  /** Ends its command, as it would end by itself. */
  end(exit: Partial<Exit>): void {
    this.#main?.end(exit);
  }

  /** Ends all of it, for good. */
  discard(): void {
    this.#discarded = true;
    this.end({ signal: "SIGKILL" });
    this.#changed.ring();
  }

  /** Says whether it can be reached. */
  reach(away: string | null): void {
    this.away = away;
    this.#changed.ring();
  }

  serve(server: string, answers: boolean): void {
    if (answers) this.#silent.delete(server);
    else this.#silent.add(server);
  }

  answers(server: string): boolean {
    return this.state === "running" && this.away === null && !this.#silent.has(server);
  }

  /** Why it cannot be removed; `null` if it can. */
  get stuck(): string | null {
    return this.jammed ?? this.away;
  }

  assertReachable(): void {
    if (this.away === null) return;
    throw new TroupeError("INFRASTRUCTURE_UNAVAILABLE", `Cannot reach machine "${this.spec.name}": ${this.away}`);
  }

  assertRuns(): void {
    if (this.state === "running") return;
    const why = this.state === "created" ? "was not started" : "has exited";
    throw new TroupeError("MACHINE_EXITED", `Cannot use machine "${this.spec.name}": it ${why}`);
  }

  /** What happens to it, until it has exited. The exit of a machine that is away is told when it is back. */
  async *watch(signal: AbortSignal): AsyncGenerator<MachineFact> {
    let told: string | null = null;
    while (!signal.aborted) {
      const { away, exit } = this;
      if (away !== null && told === null) yield { type: "away", reason: away };
      else if (away === null && told !== null) yield { type: "back" };
      else if (away === null && exit !== null) {
        yield { type: "exited", exit };
        return;
      } else if (this.#discarded) return;
      else await this.#changed.wait(signal);
      told = away;
    }
  }

  #run(
    about: Pick<SimulatedProcess, "id" | "command" | "env">,
    program: SimulatedProgram,
    onEnd: (exit: Exit) => void,
  ): RunningProcess {
    return new RunningProcess({ ...about, machine: this.spec.name }, program, {
      clock: this.#clock,
      files: this.files,
      volume: this.#volume,
      print: (line) => this.output.print(about.id, line, this.#clock.now()),
      serve: (server, answers) => this.serve(server, answers),
      onEnd,
    });
  }
}
