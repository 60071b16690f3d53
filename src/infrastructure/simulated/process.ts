import type { Exit } from "../../../machines/failure.ts";
import type { Clock } from "../../supervisor/api.ts";
import { sleep } from "./sleep.ts";

/** What a scripted program sees of itself. */
export interface SimulatedProcess {
  /** Of the exec; `null` for a machine's own command. */
  readonly id: string | null;
  readonly machine: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Writes a line. */
  print(line: string): void;
  /** Waits on the infrastructure's clock. */
  sleep(ms: number): Promise<void>;
  /** Waits until the process is ended by others. */
  forever(): Promise<never>;
  /** What it does when asked to end, instead of ending. */
  onTerminate(listener: () => void): void;
  /** Whether a server of its machine answers. All of them do from the start. */
  serve(server: string, answers: boolean): void;
  /** What was put into its machine, by path. */
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  /** What is in a volume of its machine, by path. Stays until the workspace's volumes are removed. */
  volume(name: string): Map<string, string>;
}

/** Returns the exit code. What it throws is printed, and ends it with code 1. Its waits reject once it was ended. */
export type SimulatedProgram = (process: SimulatedProcess) => number | Promise<number>;

interface Surroundings extends Pick<SimulatedProcess, "print" | "serve" | "files" | "volume"> {
  readonly clock: Clock;
  /** Called once, when the process has ended. */
  onEnd(exit: Exit): void;
}

/** A program that runs, until it returns or is ended. */
export class RunningProcess {
  readonly id: string | null;
  readonly command: readonly string[];
  /** Resolves when it has ended. */
  readonly ended: Promise<Exit>;
  exit: Exit | null = null;
  readonly #surroundings: Surroundings;
  readonly #ending = new AbortController();
  #resolve: (exit: Exit) => void = () => {};
  #terminate = () => this.end({ code: null, signal: "SIGTERM" });

  constructor(
    about: Pick<SimulatedProcess, "id" | "machine" | "command" | "env">,
    program: SimulatedProgram,
    surroundings: Surroundings,
  ) {
    this.id = about.id;
    this.command = about.command;
    this.#surroundings = surroundings;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    // The end of the program is the end of the process, whose owner waits for `ended`.
    void this.#run(program, { ...about, ...this.#inside() });
  }

  /** Asks it to end. */
  terminate(): void {
    if (this.exit === null) this.#terminate();
  }

  /** Ends it. Changes nothing if it has ended. */
  end(exit: Partial<Exit>): void {
    if (this.exit !== null) return;
    this.exit = { code: null, signal: null, oomKilled: false, at: this.#surroundings.clock.now(), ...exit };
    this.#ending.abort(new Error("The process was ended"));
    this.#resolve(this.exit);
    this.#surroundings.onEnd(this.exit);
  }

  async #run(program: SimulatedProgram, self: SimulatedProcess): Promise<void> {
    try {
      this.end({ code: await program(self) });
    } catch (error) {
      self.print(String(error));
      this.end({ code: 1 });
    }
  }

  #inside() {
    const { clock, print, serve, files, volume } = this.#surroundings;
    const wait = (ms: number) => {
      const over = sleep(clock, ms, this.#ending.signal);
      over.catch(() => {}); // A program may wait for something else when it is ended.
      return over;
    };
    return {
      files,
      volume,
      print: (line: string) => {
        if (this.exit === null) print(line);
      },
      sleep: wait,
      forever: () => wait(Number.POSITIVE_INFINITY) as Promise<never>,
      onTerminate: (listener: () => void) => {
        this.#terminate = listener;
      },
      serve: (server: string, answers: boolean) => {
        if (this.exit === null) serve(server, answers);
      },
    };
  }
}
