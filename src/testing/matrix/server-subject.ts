import type { AnyMachineSnapshot, EventObject } from "xstate";
import { type ServerContext, type ServerInput, type ServerPlan, serverLogic } from "../../../machines/server.ts";
import type { Happening } from "./happening.ts";
import { inertActor } from "./inert-actor.ts";
import { portsFailed, timesUp } from "./outcome.ts";
import { impossible, type Reading, told, unheard } from "./reading.ts";
import type { MatrixSubject, Moment } from "./subject.ts";
import { machinePlanOf } from "./world.ts";

export const serverSubject: MatrixSubject<Happening> = {
  chart: "server",
  logic: serverLogic,
  beginnings: machinePlanOf("web").servers.map((plan) => ({ input: inputOf(plan, "unknown") })),
  essence: (snapshot) => (snapshot.context as ServerContext).streak,
  changes: { streak: () => "counted", lastProbe: () => "noted" },
  readings: {
    stop: ({ snapshot }) => told([end], otherwise(snapshot)),
    "force-stop": ({ snapshot }) => told([end], otherwise(snapshot)),
    "start again": () => unheard("a start is its workspace's"),
    "machine crash": ({ snapshot }) => told([end], otherwise(snapshot)),
    "infrastructure lost": ({ snapshot }) => (isProbed(snapshot) ? told([missed]) : notProbed(snapshot)),
    "infrastructure error": ({ snapshot }) => (isProbed(snapshot) ? told(portsFailed(snapshot)) : notProbed(snapshot)),
    "deadline reached": ({ snapshot }) => {
      if (snapshot.status === "done") return impossible("it has ended");
      return snapshot.hasTag("busy") ? told(timesUp(snapshot)) : impossible(forEver(snapshot));
    },
    "supervisor crash": supervisorCrash,
    "stale report": () => unheard("what probed it before ended with its machine, and reaches nobody"),
    "duplicate report": () => impossible("a probe is asked once and answered once"),
  },
};

function supervisorCrash({ snapshot }: Moment): Reading {
  const [plan] = machinePlanOf("web").servers;
  if (plan === undefined) return impossible("there is no such server");
  if (snapshot.status === "done") return unheard("its machine is ending, and goes on with that");
  const anew = { input: inputOf(plan, "unknown"), when: "its machine had not got ready" };
  if (!snapshot.matches("live")) return { kind: "begins", inputs: [anew] };
  const found = snapshot.matches({ live: "running" }) ? "running" : "stopped";
  return { kind: "begins", inputs: [{ input: inputOf(plan, found), when: "its machine had got ready" }, anew] };
}

function forEver(snapshot: AnyMachineSnapshot): string {
  return snapshot.matches("unknown") ? "what it waits for is its machine's budget" : "it may stay so for ever";
}

function isProbed(snapshot: AnyMachineSnapshot): boolean {
  return snapshot.matches("checking") || snapshot.matches("live");
}

function notProbed(snapshot: AnyMachineSnapshot): Reading {
  return impossible(snapshot.status === "done" ? "it has ended" : "nobody probes it yet");
}

function otherwise(snapshot: AnyMachineSnapshot): string | null {
  return snapshot.status === "done" ? "it has ended" : null;
}

function inputOf(plan: ServerPlan, found: ServerInput["found"]): ServerInput {
  return { instanceId: "i-1", plan, url: null, found, inbox: inertActor };
}

const end: EventObject = { type: "server.end" };
const missed: EventObject = { type: "probe.missed", message: "the server did not answer" } as EventObject;
