import { TroupeError } from "../../errors.ts";
import type { Fault } from "../../infrastructure/simulated/index.ts";
import type { FaultStep } from "./script.ts";

/** In the message of every error that a script injects. */
export const INJECTED = "Injected";

/** A fault, out of its JSON. */
export function faultOf({ do: _, delayMs, error, ...fault }: FaultStep): Fault {
  return {
    ...fault,
    ...(delayMs === undefined ? {} : { delayMs: delayMs === "forever" ? Number.POSITIVE_INFINITY : delayMs }),
    ...(error === undefined ? {} : { error: errorOf(error) }),
  };
}

function errorOf(kind: NonNullable<FaultStep["error"]>): Error {
  switch (kind) {
    case "infrastructure":
      return new TroupeError("INFRASTRUCTURE_UNAVAILABLE", `${INJECTED}: the place does not answer`);
    case "validation":
      return new TroupeError("COMMAND_NOT_FOUND", `${INJECTED}: there is no such program`);
    case "internal":
      return new Error(`${INJECTED}: nobody thought of this`);
  }
}
