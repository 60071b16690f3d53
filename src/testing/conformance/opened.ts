import type { Infrastructure, InstanceRef } from "../../infrastructure/spi.ts";
import type { VirtualClock } from "../virtual-clock.ts";

/** An infrastructure of its own for one test, or for one sequence of calls. */
export interface Opened {
  readonly infrastructure: Infrastructure;
  /** The same place, as a restarted supervisor finds it; the object before was closed. */
  readonly reopen?: () => Promise<Infrastructure>;
  /** The same, but nothing was closed: whoever used the object before was killed, whatever was under way. */
  readonly kill?: () => Promise<Infrastructure>;
  /** What is left of an instance, seen without asking the infrastructure: processes, files, containers. */
  readonly leftovers?: (ref: InstanceRef) => Promise<readonly string[]>;
  /** The place's time, if it is not the system's. */
  readonly clock?: VirtualClock;
  close(): Promise<void>;
}
