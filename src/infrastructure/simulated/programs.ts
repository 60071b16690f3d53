import type { SimulatedProgram } from "./process.ts";

/** `null`: there is no such program. */
export type SimulatedPrograms = Readonly<Record<string, SimulatedProgram | null>>;

/** What a command does that nobody scripted: it runs until it is asked to end. */
export const idle: SimulatedProgram = async (process) => {
  process.print(`${process.command.join(" ")} runs (simulated)`);
  return process.forever();
};

/** What a process does that nobody scripted and that a machine runs beside its own: it ends well, at once. */
export const succeed: SimulatedProgram = () => 0;

/** What a process does whose program does not exist: a shell's answer. */
export const notFound: SimulatedProgram = (process) => {
  process.print(`${process.command[0]}: not found`);
  return 127;
};

/** Programs that every simulated infrastructure has; the first word of a command names one. */
export const builtInPrograms: SimulatedPrograms = {
  /** `count TO EVERY_MS`: prints the numbers from 1, then runs on. */
  count: async (process) => {
    const [, to = "1", everyMs = "0"] = process.command;
    for (let number = 1; number <= Number(to); number += 1) {
      process.print(String(number));
      await process.sleep(Number(everyMs));
    }
    return process.forever();
  },
  /** `env NAME`: prints a variable. */
  env: (process) => {
    process.print(process.env[process.command[1] ?? ""] ?? "");
    return 0;
  },
  /** `exit CODE AFTER_MS`. */
  exit: async (process) => {
    const [, code = "0", afterMs = "0"] = process.command;
    process.print("begun");
    await process.sleep(Number(afterMs));
    return Number(code);
  },
  idle,
  /** `keep VOLUME TEXT`: writes it into the volume. */
  keep: (process) => {
    const [, volume = "", text = ""] = process.command;
    process.volume(volume).set("kept", text);
    return 0;
  },
  /** `kept VOLUME`: prints what was kept there. */
  kept: (process) => {
    process.print(process.volume(process.command[1] ?? "").get("kept") ?? "nothing");
    return 0;
  },
  missing: null,
  /** `show FILE`: prints a file that was put into the machine. */
  show: (process) => {
    const content = process.files.get(process.command[1] ?? "") ?? "";
    process.print(Buffer.from(content).toString().trimEnd());
    return 0;
  },
  /** Runs on when it is asked to end. */
  stubborn: async (process) => {
    process.onTerminate(() => {});
    process.print("ready");
    return process.forever();
  },
};
