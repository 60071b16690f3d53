/**
 * Lifecycle of one server of a machine: a port that should answer.
 *
 *     unknown ──check──▶ checking ──answered──▶ running ⇄ stopped
 *                           └──budget used up──▶ stopped            (end: from every state to ended)
 *
 * One answer or miss says little: both count up to a threshold, and the other resets the count.
 * How and how often to probe is the port's business; the chart only counts.
 */
import { type ActorRef, assign, type Snapshot, sendTo, setup } from "xstate";
import { type Failure, failureIn } from "./failure.ts";
import { deadline, type Source, source } from "./port.ts";

export interface ServerPlan {
  readonly machine: string;
  readonly name: string;
  readonly readinessBudgetMs: number;
  readonly readinessSuccesses: number;
  readonly livenessFailures: number;
  readonly livenessSuccesses: number;
}

export interface ServerInput {
  readonly instanceId: string;
  readonly plan: ServerPlan;
  readonly url: string | null;
  /** What an adopted server was last known to be; `unknown` for a new one. */
  readonly found: "unknown" | "running" | "stopped";
  readonly inbox: ServerInbox;
}

/** What a server tells the machine that owns it. */
export type ServerReport =
  | { readonly type: "server.ready"; readonly name: string }
  | { readonly type: "server.unready"; readonly name: string; readonly failure: Failure };

export type ServerInbox = ActorRef<Snapshot<unknown>, ServerReport>;

export type ServerCommand = { readonly type: "server.check" } | { readonly type: "server.end" };

export type ServerFact =
  | { readonly type: "probe.answered"; readonly message: string }
  | { readonly type: "probe.missed"; readonly message: string };

export interface ProbeInput {
  readonly instanceId: string;
  readonly machine: string;
  readonly server: string;
  readonly purpose: "readiness" | "liveness";
}

export interface ServerContext {
  readonly instanceId: string;
  readonly source: Source;
  readonly plan: ServerPlan;
  readonly url: string | null;
  readonly found: ServerInput["found"];
  readonly inbox: ServerInbox;
  /** Outcomes in a row that contradict the present state. */
  readonly streak: number;
  readonly lastProbe: string | null;
  readonly failure: Failure | null;
}

export const serverLogic = setup({
  types: {
    input: {} as ServerInput,
    context: {} as ServerContext,
    events: {} as ServerCommand | ServerFact,
    tags: {} as "UNKNOWN" | "RUNNING" | "STOPPED" | "busy" | "transient",
  },
  actors: {
    probe: source<ProbeInput>("probe"),
    deadline,
  },
  guards: {
    wasRunning: ({ context }) => context.found === "running",
    wasStopped: ({ context }) => context.found === "stopped",
    lastReadyAnswer: ({ context }) => context.streak + 1 >= context.plan.readinessSuccesses,
    lastLiveAnswer: ({ context }) => context.streak + 1 >= context.plan.livenessSuccesses,
    lastMiss: ({ context }) => context.streak + 1 >= context.plan.livenessFailures,
  },
  actions: {
    note: assign({ lastProbe: ({ context, event }) => ("message" in event ? event.message : context.lastProbe) }),
    count: assign({ streak: ({ context }) => context.streak + 1 }),
    forget: assign({ streak: 0 }),
    blame: assign({
      failure: ({ context, event, self }) => {
        const failure = failureIn(event, { source: context.source, state: self.getSnapshot().value });
        if (failure.code !== "DEADLINE_EXCEEDED") return failure;
        const probe = context.lastProbe ?? "no probe was answered";
        return { ...failure, code: "SERVER_NOT_READY", message: `${failure.message}: ${probe}` };
      },
    }),
    sayReady: sendTo(
      ({ context }) => context.inbox,
      ({ context }) => ({ type: "server.ready", name: context.plan.name }),
    ),
    sayUnready: sendTo(
      ({ context }) => context.inbox,
      ({ context }) => ({
        type: "server.unready",
        name: context.plan.name,
        failure: context.failure ?? failureIn({}, { source: context.source, state: "checking" }),
      }),
    ),
  },
}).createMachine({
  id: "server",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({
    instanceId: input.instanceId,
    source: { kind: "server", machine: input.plan.machine, name: input.plan.name },
    plan: input.plan,
    url: input.url,
    found: input.found,
    inbox: input.inbox,
    streak: 0,
    lastProbe: null,
    failure: null,
  }),
  initial: "deciding",
  on: { "server.end": { target: ".ended" } },
  states: {
    deciding: {
      tags: ["transient"],
      always: [
        { guard: "wasRunning", target: "live.running" },
        { guard: "wasStopped", target: "live.stopped" },
        { target: "unknown" },
      ],
    },
    unknown: {
      description: "The machine is not far enough yet.",
      tags: ["UNKNOWN"],
      on: { "server.check": "checking" },
    },
    checking: {
      tags: ["UNKNOWN", "busy"],
      entry: "forget",
      invoke: [
        {
          id: "probe",
          src: "probe",
          input: ({ context }) => ({
            instanceId: context.instanceId,
            machine: context.plan.machine,
            server: context.plan.name,
            purpose: "readiness" as const,
          }),
          onError: { target: "live.stopped", actions: ["blame", "sayUnready"] },
        },
        {
          id: "deadline",
          src: "deadline",
          input: ({ context }) => ({
            instanceId: context.instanceId,
            source: context.source,
            state: "checking",
            budgetMs: context.plan.readinessBudgetMs,
            what: `Getting ready of server "${context.plan.name}" in machine "${context.plan.machine}"`,
          }),
          onError: { target: "live.stopped", actions: ["blame", "sayUnready"] },
        },
      ],
      on: {
        "probe.answered": [
          { guard: "lastReadyAnswer", target: "live.running", actions: ["note", "sayReady"] },
          { actions: ["note", "count"] },
        ],
        "probe.missed": { actions: ["note", "forget"] },
      },
    },
    live: {
      description: "Probed until the machine ends. A server that stops is shown; it restarts nothing.",
      initial: "running",
      invoke: {
        id: "probe",
        src: "probe",
        input: ({ context }) => ({
          instanceId: context.instanceId,
          machine: context.plan.machine,
          server: context.plan.name,
          purpose: "liveness" as const,
        }),
        onError: { target: ".stopped", actions: "blame" },
      },
      states: {
        running: {
          tags: ["RUNNING"],
          entry: ["forget", assign({ failure: null })],
          on: {
            "probe.answered": { actions: ["note", "forget"] },
            "probe.missed": [{ guard: "lastMiss", target: "stopped", actions: "note" }, { actions: ["note", "count"] }],
          },
        },
        stopped: {
          tags: ["STOPPED"],
          entry: "forget",
          on: {
            "probe.answered": [
              { guard: "lastLiveAnswer", target: "running", actions: "note" },
              { actions: ["note", "count"] },
            ],
            "probe.missed": { actions: ["note", "forget"] },
          },
        },
      },
    },
    ended: { description: "The machine has ended.", type: "final", tags: ["STOPPED"] },
  },
});
