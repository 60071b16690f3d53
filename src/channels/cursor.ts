/** How a cursor is written. Subscribers treat it as opaque; only this file knows what is in it. */
import { TroupeError } from "../errors.ts";
import type { Cursor } from "./records.ts";

/** After the event at a position; or `start`: nothing was delivered completely yet, so begin with a snapshot. */
export interface Place {
  readonly epoch: string;
  readonly position: number | "start";
}

export function formatCursor({ epoch, position }: Place): Cursor {
  return `${epoch}.${position}`;
}

/** @throws {TroupeError} `REQUEST_INVALID` if it was never one of ours. */
export function parseCursor(cursor: string): Place {
  const [, epoch, position] = /^(.+)\.(start|\d{1,15})$/s.exec(cursor) ?? [];
  if (epoch === undefined || position === undefined) {
    throw new TroupeError("REQUEST_INVALID", `Cannot resume from "${cursor.slice(0, 100)}": it is not a cursor`);
  }
  return { epoch, position: position === "start" ? "start" : Number(position) };
}
