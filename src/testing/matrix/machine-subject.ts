import type { AnyMachineSnapshot, EventObject } from "xstate";
import { type Exit, type Failure, failureIn, stateName } from "../../../machines/failure.ts";
import {
  type MachineContext,
  type MachineFound,
  type MachineInput,
  machineLogic,
  newMachine,
} from "../../../machines/machine.ts";
import { foundMachine } from "../../supervisor/recovery.ts";
import type { Happening } from "./happening.ts";
import { inertActor } from "./inert-actor.ts";
import { done, failed, portsFailed, timesUp } from "./outcome.ts";
import { impossible, type Reading, told, unheard } from "./reading.ts";
import { statusOf } from "./status-of.ts";
import type { MatrixSubject, Moment } from "./subject.ts";
import { actorRowOf, environment, machinePlanOf } from "./world.ts";

const plan = machinePlanOf("web");

export const machineSubject: MatrixSubject<Happening> = {
  chart: "machine",
  // Its installers and servers have charts of their own.
  logic: machineLogic.provide({
    actions: { engage: () => {}, disengage: () => {}, runInstaller: () => {}, checkServers: () => {} },
  }),
  beginnings: [
    {
      input: inputOf(newMachine),
      events: (snapshot) => ({
        "watch.exited": [exited(1), exited(0)],
        "installer.done": [{ type: "installer.done", id: installerOf(snapshot) } as EventObject],
        "installer.failed": [{ type: "installer.failed", id: installerOf(snapshot), failure } as EventObject],
        "server.ready": [{ type: "server.ready", name: "http" } as EventObject],
        "server.unready": [{ type: "server.unready", name: "http", failure } as EventObject],
        "xstate.done.actor.bootMachine": [done("bootMachine", { urls: {}, attributes: {} })],
      }),
    },
  ],
  essence: (snapshot) => {
    const { everReady, crashes, turn, readyServers, outcome } = contextOf(snapshot);
    return hasEnded(snapshot) ? null : { everReady, crashes: crashes.length, turn, readyServers, outcome };
  },
  readings: {
    stop: ({ snapshot }) =>
      // The second stop of a workspace forces.
      told(
        snapshot.matches("stopping")
          ? [{ type: "machine.stop" }, { type: "machine.kill" }]
          : [{ type: "machine.stop" }],
        isEnding(snapshot),
      ),
    "force-stop": ({ snapshot }) =>
      told([{ type: "machine.kill" }], snapshot.matches({ stopping: "terminating" }) ? null : isEnding(snapshot)),
    "start again": () => unheard("a start is its workspace's, which keeps it until nothing is left of this instance"),
    "machine crash": machineCrash,
    "infrastructure lost": infrastructureLost,
    // A watch that fails is begun again; until then the machine is out of sight.
    "infrastructure error": infrastructureLost,
    "deadline reached": deadlineReached,
    "supervisor crash": supervisorCrash,
    "stale report": () => unheard("what watched an earlier run ended with it, and reaches nobody"),
    "duplicate report": duplicateReport,
  },
};

function machineCrash({ snapshot }: Moment): Reading {
  if (snapshot.matches("running")) return told([exited(1)]);
  if (snapshot.matches({ starting: "booting" }))
    return unheard("whoever watches looks before listening: it will be found");
  const isBeingEnded = ["terminating", "killing"].some((step) => snapshot.matches({ stopping: step }));
  if (isBeingEnded || snapshot.matches({ restarting: "killing" }))
    return unheard("it is being ended: that it has is told");
  return impossible("its command does not run");
}

function infrastructureLost({ snapshot }: Moment): Reading {
  if (snapshot.matches("running")) return told([{ type: "watch.away" }], isLost(snapshot));
  const errors = portsFailed(snapshot);
  return errors.length > 0 ? told(errors) : impossible("nothing is asked of the infrastructure");
}

function deadlineReached({ snapshot }: Moment): Reading {
  if (hasEnded(snapshot)) return impossible("it has ended");
  return snapshot.hasTag("busy") ? told(timesUp(snapshot)) : impossible("it may stay so for ever");
}

/** What can be found of a machine in a state; what it was decides what becomes of that. */
function supervisorCrash({ snapshot }: Moment): Reading {
  const { crashes, outcome, failure } = contextOf(snapshot);
  const state = stateName(snapshot.value);
  const row = actorRowOf(contextOf(snapshot), state, statusOf(snapshot), { crashes, outcome });
  const spec = environment.machines["web"];
  if (spec === undefined) return impossible("there is no such machine");
  // A restart is for a crash that was counted; any other end is news.
  const at = snapshot.matches("restarting") ? (crashes.at(-1) ?? 0) : 1;
  const inputs = findings(snapshot).map((is) => {
    const found = foundMachine(
      spec,
      [{ ...row, failure }],
      is === "absent" ? undefined : { state: is, started: null, exit: is === "exited" ? exit(1, at) : null },
    );
    return { input: inputOf(found), when: `found ${is}` };
  });
  return { kind: "begins", inputs };
}

function findings(snapshot: AnyMachineSnapshot): readonly MachineFound["is"][] {
  const isIn = (top: string, part: string): boolean => snapshot.matches({ [top]: part });
  if (isIn("starting", "creating")) return ["absent", "created"];
  if (isIn("starting", "booting")) return ["created", "running", "exited"];
  if (snapshot.matches("running")) return ["running", "exited", "absent"];
  if (isIn("restarting", "killing")) return ["running", "exited"];
  if (isIn("restarting", "removing")) return ["exited", "absent"];
  if (isIn("stopping", "killing") && contextOf(snapshot).outcome === "completed") return ["exited"];
  if (snapshot.matches("stopping")) return ["absent", "created", "running", "exited"];
  return ["absent"];
}

const reports = ["watch.", "installer.", "server."];

function duplicateReport({ snapshot, path }: Moment): Reading {
  if (!snapshot.matches("running")) return unheard("nobody reports to it now");
  const run = path.slice(path.findLastIndex(({ type }) => type === "xstate.done.actor.bootMachine") + 1);
  const last = run.findLast(({ type }) => reports.some((prefix) => type.startsWith(prefix)));
  return last === undefined ? impossible("nothing has been reported yet") : told([last], "it is known");
}

/** Why the loss of the connection may change nothing, if it may. */
function isLost(snapshot: AnyMachineSnapshot): string | null {
  return snapshot.matches({ running: { connection: "lost" } }) ? "it is known to be lost" : null;
}

/** Why a stop may change nothing, if it may. */
function isEnding(snapshot: AnyMachineSnapshot): string | null {
  if (hasEnded(snapshot)) return "it has ended";
  return snapshot.matches("stopping") ? "it is on its way to its end" : null;
}

function hasEnded(snapshot: AnyMachineSnapshot): boolean {
  return ["stopped", "completed", "failed"].some((state) => snapshot.matches(state));
}

/** The installer whose turn it is. */
function installerOf(snapshot: AnyMachineSnapshot): string {
  return plan.installers[contextOf(snapshot).turn]?.id ?? "";
}

function contextOf(snapshot: AnyMachineSnapshot): MachineContext {
  return snapshot.context as MachineContext;
}

function inputOf(found: MachineFound): MachineInput {
  return { instanceId: "i-1", plan, found, inbox: inertActor };
}

function exit(code: number, at = 0): Exit {
  return { code, signal: null, oomKilled: false, at };
}

function exited(code: number): EventObject {
  return { type: "watch.exited", exit: exit(code), at: 0, lastLines: [] } as EventObject;
}

const failure: Failure = failureIn(failed("part"), { source: { kind: "machine", machine: "web" }, state: "running" });
