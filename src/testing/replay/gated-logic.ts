import {
  type AnyActorLogic,
  type AnyStateMachine,
  createActor,
  type EventObject,
  fromCallback,
  fromPromise,
  type NonReducibleUnknown,
  StateMachine,
  toPromise,
} from "xstate";
import type { InstallerPortInput } from "../../../machines/installer.ts";
import type { MachinePortInput } from "../../../machines/machine.ts";
import type { Source } from "../../../machines/port.ts";
import type { ProbeInput } from "../../../machines/server.ts";
import type { WorkspacePortInput } from "../../../machines/workspace.ts";
import type { Gate } from "./gate.ts";

/** Work that is not held: time is the clock's, and what becomes of machines is told by the infrastructure. */
const free = ["deadline", "watchMachine"];

type PortInput = (WorkspacePortInput | MachinePortInput | InstallerPortInput | ProbeInput) & NonReducibleUnknown;

/** A chart whose work, and that of the charts in it, waits at a gate before it is done. */
export function gatedLogic<Logic extends AnyStateMachine>(logic: Logic, gate: Gate): Logic {
  const given = logic.implementations.actors as Readonly<Record<string, AnyActorLogic>>;
  const actors = Object.fromEntries(Object.entries(given).map(([name, actor]) => [name, gated(name, actor, gate)]));
  return logic.provide({ actors }) as Logic;
}

function gated(name: string, actor: AnyActorLogic, gate: Gate): AnyActorLogic {
  if (actor instanceof StateMachine) return gatedLogic(actor as AnyStateMachine, gate);
  if (free.includes(name)) return actor;
  return name === "probe" ? probeByHand(gate) : gatedWork(name, actor, gate);
}

function gatedWork(name: string, work: AnyActorLogic, gate: Gate): AnyActorLogic {
  return fromPromise<unknown, PortInput>(async ({ input, signal }) => {
    const outcome = await gate.pass(sourceOf(input), name, signal);
    if (outcome === "done") return done(work, input, signal);
    if ("error" in outcome) throw outcome.error;
    return outcome.output;
  });
}

async function done(work: AnyActorLogic, input: PortInput, signal: AbortSignal): Promise<unknown> {
  const actor = createActor(work, { input });
  const stop = (): void => void actor.stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const settled = toPromise(actor);
    actor.start();
    return await settled;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function probeByHand(gate: Gate): AnyActorLogic {
  return fromCallback<EventObject, ProbeInput & NonReducibleUnknown>(({ input, sendBack, self }) =>
    gate.probe(sourceOf(input), {
      purpose: input.purpose,
      tell: (type, message) => sendBack({ type, message }),
      fail: (error) => sendBack({ type: `xstate.error.actor.${self.id}`, error }),
    }),
  ) as AnyActorLogic;
}

function sourceOf(input: PortInput): Source {
  if ("server" in input) return { kind: "server", machine: input.machine, name: input.server };
  if ("installer" in input) return { kind: "installer", machine: input.machine, name: input.installer };
  return "machine" in input ? { kind: "machine", machine: input.machine } : { kind: "workspace" };
}
