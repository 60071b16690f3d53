/** Stands between a supervisor and what it uses, and writes down what it does. */
import type { Infrastructure, InstanceRef } from "../../infrastructure/spi.ts";
import type { Journal } from "../../journal/spi.ts";
import type { TroupeEvent } from "../../model/workspace.ts";
import type { EventLog } from "./event-log.ts";
import type { Call } from "./moment.ts";

/** Operations that make something. */
const makingOperations: readonly Call["operation"][] = [
  "prepare",
  "fetchImage",
  "createMachine",
  "startMachine",
  "exec",
  "put",
];

/** The infrastructure, with its making operations told before they begin. */
export function overheard(
  infrastructure: Infrastructure,
  tell: (operation: Call["operation"], ref: InstanceRef, signal: AbortSignal) => void,
): Infrastructure {
  return new Proxy(infrastructure, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const operation = makingOperations.find((making) => making === name);
      if (operation === undefined) return value.bind(target);
      return (...args: unknown[]) => {
        const signal = args.find((arg) => arg instanceof AbortSignal);
        if (signal !== undefined && !signal.aborted) tell(operation, args[0] as InstanceRef, signal);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

/** The journal, with all that it records copied to `log`: what is of a deleted workspace is not there for long. */
export function recorded(journal: Journal, log: EventLog): Journal {
  const writers: readonly (string | symbol)[] = ["append", "createWorkspace", "updateWorkspace", "deleteWorkspace"];
  return new Proxy(journal, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (!writers.includes(name) && name !== "recordLeaks") return value.bind(target);
      return (...args: unknown[]) => {
        const told = Reflect.apply(value, target, args) as readonly TroupeEvent[] | undefined;
        if (told === undefined) log.listed.add((args[0] as InstanceRef).instanceId);
        else log.add(told);
        return told;
      };
    },
  });
}
