import type { AnyMachineSnapshot, EventObject } from "xstate";
import type { Exit } from "../../../machines/failure.ts";
import {
  type InstallerInput,
  type InstallerPlan,
  installerLogic,
  type ScriptEnd,
} from "../../../machines/installer.ts";
import type { Happening } from "./happening.ts";
import { inertActor } from "./inert-actor.ts";
import { done, failed, portsFailed, timesUp } from "./outcome.ts";
import { impossible, type Reading, told, unheard } from "./reading.ts";
import type { MatrixSubject, Moment } from "./subject.ts";
import { machinePlanOf } from "./world.ts";

export const installerSubject: MatrixSubject<Happening> = {
  chart: "installer",
  logic: installerLogic,
  beginnings: machinePlanOf("web").installers.map((plan) => ({
    input: inputOf(plan, false),
    events: () => ({ "xstate.done.actor.runScript": [scriptEnded({ code: 0 }), scriptEnded({ code: 1 })] }),
  })),
  essence: () => null,
  readings: {
    stop: ({ snapshot }) => told([interrupt], otherwise(snapshot)),
    "force-stop": ({ snapshot }) => told([interrupt], otherwise(snapshot)),
    "start again": () => unheard("a start is its workspace's"),
    "machine crash": ({ snapshot }) => {
      // A crash ends all that runs in the machine, and either may be heard of first.
      const ended = snapshot.matches({ active: "running" }) ? [scriptEnded({ code: null, signal: "SIGKILL" })] : [];
      return told([interrupt, ...ended], otherwise(snapshot));
    },
    "infrastructure lost": ({ snapshot }) => {
      if (snapshot.matches({ active: "running" })) return told([failed("runScript")]);
      if (snapshot.matches({ active: "awaitingServers" })) {
        return unheard("its servers are asked again until they answer, or the budget is used up");
      }
      return nothingAsked(snapshot);
    },
    "infrastructure error": ({ snapshot }) =>
      snapshot.matches("active") ? told(portsFailed(snapshot)) : nothingAsked(snapshot),
    "deadline reached": ({ snapshot }) => {
      if (snapshot.status === "done") return impossible("it has ended");
      return snapshot.hasTag("busy")
        ? told(timesUp(snapshot))
        : impossible("what it waits for is its machine's budget");
    },
    "supervisor crash": supervisorCrash,
    "stale report": () => unheard("what ran for it before ended with its machine, and reaches nobody"),
    "duplicate report": () => impossible("a script ends once, and its servers are awaited once"),
  },
};

function supervisorCrash({ snapshot }: Moment): Reading {
  const [plan] = machinePlanOf("web").installers;
  if (plan === undefined) return impossible("there is no such installer");
  if (snapshot.matches("failed") || snapshot.matches("timedOut"))
    return unheard("its machine has failed, and is cleared");
  if (snapshot.matches("interrupted")) return unheard("its machine is stopped, and goes on with that");
  const again = { input: inputOf(plan, false), when: "its machine had not got ready: the script is found again" };
  const ready = { input: inputOf(plan, true), when: "its machine had got ready" };
  return { kind: "begins", inputs: snapshot.matches("done") ? [ready, again] : [again] };
}

function nothingAsked(snapshot: AnyMachineSnapshot): Reading {
  return impossible(snapshot.status === "done" ? "it has ended" : "nothing is asked of the infrastructure yet");
}

function otherwise(snapshot: AnyMachineSnapshot): string | null {
  return snapshot.status === "done" ? "it has ended" : null;
}

function inputOf(plan: InstallerPlan, isDone: boolean): InstallerInput {
  return { instanceId: "i-1", plan, isDone, inbox: inertActor };
}

const interrupt: EventObject = { type: "installer.interrupt" };

function scriptEnded(exit: Partial<Exit>): EventObject {
  const end: ScriptEnd = { exit: { code: null, signal: null, oomKilled: false, at: 0, ...exit }, lastLines: [] };
  return done("runScript", end);
}
