import type { MachineFact } from "../spi.ts";
import type { MachinePlace } from "./layout.ts";
import { growing, pause } from "./pause.ts";
import { readRecord } from "./record.ts";
import { exitOf, look, untilEnded } from "./shimmed-process.ts";

/**
 * Tells how a machine fares until its main process has ended.
 *
 * A system that cannot be asked (no more files may be opened) has it out of sight: that is no end, and it is looked for again.
 */
export async function* watchMachine(place: MachinePlace, signal: AbortSignal): AsyncGenerator<MachineFact, void> {
  let isAway = false;
  for (const ms of growing(50, 1_000)) {
    try {
      if (isAway) {
        await look(place.main);
        isAway = false;
        yield { type: "back" };
      }
      await untilEnded(place.main, signal);
      const exit = await exitOf(place.main, await readRecord(place.memoryGroup));
      yield { type: "exited", exit: exit ?? { code: null, signal: null, oomKilled: false, at: Date.now() } };
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Error && "syscall" in error)) throw error;
      if (!isAway) yield { type: "away", reason: error.message };
      isAway = true;
    }
    await pause(ms, signal);
  }
}
