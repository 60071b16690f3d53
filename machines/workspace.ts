/**
 * Lifecycle of one workspace: the root actor, and the only one that commands reach.
 *
 *     stopped ──start──▶ starting ──all ready──▶ running
 *        ▲               queued, preparing,      steady ⇄ interrupted
 *        │               launching, initializing    │
 *        │                   │ stop, failure        │ stop, failure, all machines completed
 *        └── stopping ◀──────┴──────────────────────┘
 *            interrupting, halting, destroying
 *
 * `start` and `stop` are accepted in every state. A start that comes while an instance stops is
 * kept as `next` and begins when that one is gone. A stop that comes while an instance stops
 * forces it, and takes back what was to come next.
 *
 * A supervisor that finds an instance that has not ended begins its actor in `recovering`: it looks
 * at what is there and goes on to where reality is. Nothing is rehydrated: a first start and a
 * recovery meet in the same states.
 */
import { assign, enqueueActions, setup } from "xstate";
import { type Failure, failureIn } from "./failure.ts";
import { type MachineFound, type MachinePlan, type MachineReport, machineLogic, newMachine } from "./machine.ts";
import { type DeadlineInput, deadline, port, type Source } from "./port.ts";
import { crashesAt } from "./restart.ts";

export interface WorkspacePlan {
  readonly machines: Readonly<Record<string, MachinePlan>>;
  readonly strategy: {
    readonly onFailure: "stop-workspace" | "one-for-one" | "one-for-all";
    readonly maxRestarts: number;
    readonly withinMs: number;
  };
  readonly budgets: WorkspaceBudgets;
}

/** The longest each waiting state may last, in milliseconds. */
export interface WorkspaceBudgets {
  readonly queuedMs: number;
  readonly prepareMs: number;
  /** Until all machines run. */
  readonly launchMs: number;
  /** Until all machines are ready: installers done, servers answering. */
  readonly initializeMs: number;
  /** How long machines may be away or under restart. */
  readonly interruptedMs: number;
  /** How long a start that is interrupted may take to settle before it is fenced off. */
  readonly settleMs: number;
  /** For all machines together. */
  readonly haltMs: number;
  readonly destroyMs: number;
  readonly observeMs: number;
}

/** One start of the workspace: what the chart must know of it. */
export interface Run {
  readonly instanceId: string;
  readonly plan: WorkspacePlan;
}

/** What the journal knows of an instance that has not ended. */
export interface Recovered {
  readonly run: Run;
  /** What it was about, and goes on with. */
  readonly was: "starting" | "relaunching" | "running" | "stopping";
  readonly isForced: boolean;
  readonly stopReason: StopReason | null;
  readonly failure: Failure | null;
  /** Times at which all machines were launched again. */
  readonly relaunches: readonly number[];
  readonly next: Run | null;
}

export interface WorkspaceInput {
  readonly workspaceId: string;
  readonly recovered: Recovered | null;
}

export interface StopReason {
  readonly by: "user" | "failure" | "supervisor" | "completed";
  readonly message: string;
}

export type WorkspaceCommand =
  | { readonly type: "workspace.start"; readonly run: Run }
  | { readonly type: "workspace.stop"; readonly reason: StopReason; readonly force: boolean };

/** How far a machine is, as far as the workspace and the machines that depend on it care. */
export type Progress = "waiting" | "released" | "booted" | "ready" | "away" | "completed" | "failed" | "stopped";

export interface WorkspacePortInput {
  readonly instanceId: string;
}

/** What `observe` finds, by machine; a machine that is not there is `absent`. */
export interface Observed {
  readonly machines: Readonly<Record<string, MachineFound>>;
}

export interface WorkspaceContext {
  readonly workspaceId: string;
  readonly source: Source;
  readonly instanceId: string | null;
  readonly plan: WorkspacePlan | null;
  readonly next: Run | null;
  readonly recovered: Recovered | null;
  /** What a recovery found; machines begin from it. */
  readonly found: Readonly<Record<string, MachineFound>>;
  readonly progress: Readonly<Record<string, Progress>>;
  /** Machines that were ready once in this launch: those that depend on them need not wait again. */
  readonly everReady: readonly string[];
  /** Times at which all machines were launched again. */
  readonly relaunches: readonly number[];
  readonly isForced: boolean;
  readonly stopReason: StopReason | null;
  readonly failure: Failure | null;
}

export const workspaceLogic = setup({
  types: {
    input: {} as WorkspaceInput,
    context: {} as WorkspaceContext,
    events: {} as WorkspaceCommand | MachineReport,
    tags: {} as "STARTING" | "RUNNING" | "STOPPING" | "STOPPED" | "busy" | "transient",
  },
  actors: {
    /** Waits for its turn among all starts. */
    admit: port<void, WorkspacePortInput>("admit"),
    /** Whatever all machines of the instance share. */
    prepare: port<void, WorkspacePortInput>("prepare"),
    /** Looks at what there is; tries again until the infrastructure answers. */
    observe: port<Observed, WorkspacePortInput>("observe"),
    /** Settles when nothing that was begun for the instance is still under way. */
    settle: port<void, WorkspacePortInput>("settle"),
    /** Removes all there is, and tells how much could not be removed; the leak ledger lists it. */
    destroy: port<{ readonly left: number }, WorkspacePortInput>("destroy"),
    deadline,
    machine: machineLogic,
  },
  delays: {
    /** Between two attempts to remove what is left: half a second, so that a budget holds many. */
    destroyBackoff: 500,
  },
  guards: {
    isRecovered: ({ context }) => context.recovered !== null,
    wasRunning: ({ context }) => context.recovered?.was === "running",
    wasRelaunching: ({ context }) => context.recovered?.was === "relaunching",
    isToStop: ({ context }) => context.stopReason !== null,
    /** It does not wait for what would be found. */
    isForcing: (_, { force }: { readonly force: boolean }) => force,
    hasNext: ({ context }) => context.next !== null,
    hasMachines: ({ context }) => Object.keys(context.progress).length > 0,
    allBooted: ({ context }) => every(context, ["booted", "ready", "away", "completed"]),
    allReady: ({ context }) => every(context, ["ready", "completed", "failed"]),
    someNotReady: ({ context }) => !every(context, ["ready", "completed", "failed"]),
    allEnded: ({ context }) => every(context, ["completed", "failed", "stopped"]),
    allCompleted: ({ context }) => every(context, ["completed"]),
    noneLeft: ({ context }) => every(context, ["completed", "failed"]),
    isGivenUp: ({ context }) => context.plan?.strategy.onFailure === "one-for-one",
    mayRelaunch: ({ context }, { failure, isLeft }: MachineEnd) => !isLeft && mayRelaunch(context, failure),
    /** What is there still must not be taken for what is launched anew. */
    isLeft: (_, { isLeft }: Pick<MachineEnd, "isLeft">) => isLeft,
    nothingLeft: (_, { left }: { readonly left: number }) => left === 0,
  },
  actions: {
    begin: assign((_, run: Run) => begun(run)),
    beginNext: assign(({ context }) => (context.next === null ? {} : begun(context.next))),
    keepNext: assign({ next: (_, run: Run) => run }),
    keepFound: assign({ found: (_, { machines }: Observed) => machines }),
    forgetFound: assign({ found: {} }),
    wantStop: assign((_, { reason, force }: { readonly reason: StopReason; readonly force: boolean }) => ({
      stopReason: reason,
      isForced: force,
      next: null,
    })),
    /** A second stop: the first one's reason stays. */
    force: assign({ isForced: true, next: null }),
    blame: assign({
      failure: ({ context, event, self }) =>
        context.failure ?? failureIn(event, { source: context.source, state: self.getSnapshot().value }),
    }),
    stopForFailure: assign({
      stopReason: ({ context }) =>
        context.stopReason ?? { by: "failure" as const, message: context.failure?.message ?? "It failed" },
    }),
    stopForCompletion: assign({
      stopReason: { by: "completed" as const, message: "All machines have completed their work" },
    }),
    blameLeft: assign({
      failure: ({ context }, { machine }: Pick<MachineEnd, "machine">): Failure =>
        context.failure ?? {
          class: "infrastructure",
          code: "RESOURCES_LEFT",
          message: `Cannot launch all machines again: machine "${machine}" could not be removed`,
          source: { kind: "machine", machine },
          state: "stopping.removing",
          at: null,
          budgetMs: null,
          exit: null,
          lastLines: [],
        },
    }),
    countRelaunch: assign({
      relaunches: ({ context }, failure: Failure) => relaunchesAt(context, failure),
    }),
    note: assign(({ context, event }) => noted(context, event)),
    /** Makes an actor for every machine, in place of those of an earlier launch, which have ended. */
    spawnMachines: enqueueActions(({ context, enqueue, self }) => {
      const { instanceId, plan, found } = context;
      if (instanceId === null || plan === null) return;
      const names = Object.keys(plan.machines);
      enqueue.assign({ progress: Object.fromEntries(names.map((name) => [name, "waiting" as const])), everReady: [] });
      for (const [name, machine] of Object.entries(plan.machines)) {
        enqueue.stopChild(name);
        enqueue.spawnChild("machine", {
          id: name,
          input: { instanceId, plan: machine, found: found[name] ?? newMachine, inbox: self },
        });
      }
    }),
    /** Starts the machines that wait for nobody any more. */
    release: enqueueActions(({ context, enqueue }) => {
      const names = releasable(context);
      for (const name of names) enqueue.sendTo(name, { type: "machine.start" });
      const released = Object.fromEntries(names.map((name) => [name, "released" as const]));
      enqueue.assign({ progress: { ...context.progress, ...released } });
    }),
    /** Ends machines in the reverse order of their dependencies; when forced, all of them at once. */
    halt: enqueueActions(({ context, enqueue }) => {
      for (const name of haltable(context)) {
        enqueue.sendTo(name, { type: context.isForced ? "machine.kill" : "machine.stop" });
      }
    }),
    haltAll: enqueueActions(({ context, enqueue }) => {
      for (const name of Object.keys(context.progress)) enqueue.sendTo(name, { type: "machine.stop" });
    }),
    /** Whatever has not ended is ended without asking: nothing may start while all is removed. */
    killAll: enqueueActions(({ context, enqueue }) => {
      for (const name of Object.keys(context.progress)) enqueue.sendTo(name, { type: "machine.kill" });
    }),
    reapMachines: enqueueActions(({ context, enqueue }) => {
      for (const name of Object.keys(context.progress)) enqueue.stopChild(name);
    }),
  },
}).createMachine({
  id: "workspace",
  options: { maxIterations: 1000 },
  context: ({ input: { workspaceId, recovered } }) => ({
    workspaceId,
    source: { kind: "workspace" },
    instanceId: recovered?.run.instanceId ?? null,
    plan: recovered?.run.plan ?? null,
    next: recovered?.next ?? null,
    recovered,
    found: {},
    progress: {},
    everReady: [],
    relaunches: recovered?.relaunches ?? [],
    isForced: recovered?.isForced ?? false,
    stopReason: recovered?.stopReason ?? null,
    failure: recovered?.failure ?? null,
  }),
  initial: "deciding",
  states: {
    deciding: {
      tags: ["transient"],
      always: [{ guard: "isRecovered", target: "recovering" }, { target: "stopped" }],
    },

    stopped: {
      tags: ["STOPPED"],
      always: { guard: "hasNext", target: "starting", actions: ["reapMachines", "beginNext"] },
      on: {
        "workspace.start": {
          target: "starting",
          actions: ["reapMachines", { type: "begin", params: ({ event }) => event.run }],
        },
        "workspace.stop": {},
      },
    },

    starting: {
      tags: ["STARTING", "busy"],
      initial: "queued",
      on: {
        "workspace.start": {},
        "workspace.stop": [
          {
            guard: "hasMachines",
            target: "stopping.halting",
            actions: { type: "wantStop", params: ({ event }) => event },
          },
          { target: "stopping.interrupting", actions: { type: "wantStop", params: ({ event }) => event } },
        ],
        "machine.booted": { actions: ["note", "release"] },
        "machine.ready": { actions: ["note", "release"] },
        "machine.away": { actions: "note" },
        "machine.completed": { actions: ["note", "release"] },
        "machine.stopped": { actions: "note" },
        "machine.failed": { target: "stopping.halting", actions: ["note", "blame", "stopForFailure"] },
      },
      states: {
        queued: {
          description: "Waits for its turn among all starts.",
          invoke: [
            {
              id: "admit",
              src: "admit",
              input: ({ context }) => portInput(context),
              onDone: "preparing",
              onError: { target: "#workspace.stopping.interrupting", actions: ["blame", "stopForFailure"] },
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "starting.queued", "queuedMs", "Waiting for its turn to start"),
              onError: { target: "#workspace.stopping.interrupting", actions: ["blame", "stopForFailure"] },
            },
          ],
        },
        preparing: {
          description: "What the machines share: directories, networks, volumes.",
          invoke: [
            {
              id: "prepare",
              src: "prepare",
              input: ({ context }) => portInput(context),
              onDone: "launching",
              onError: { target: "#workspace.stopping.interrupting", actions: ["blame", "stopForFailure"] },
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "starting.preparing", "prepareMs", "Preparing the instance"),
              onError: { target: "#workspace.stopping.interrupting", actions: ["blame", "stopForFailure"] },
            },
          ],
        },
        launching: {
          description: "Each machine starts when those that it depends on are far enough.",
          entry: ["spawnMachines", "release", "forgetFound"],
          always: { guard: "allBooted", target: "initializing" },
          invoke: {
            id: "deadline",
            src: "deadline",
            input: ({ context }) => limit(context, "starting.launching", "launchMs", "Launching all machines"),
            onError: { target: "#workspace.stopping.halting", actions: ["blame", "stopForFailure"] },
          },
        },
        initializing: {
          description: "All machines run; installers and servers are on their way.",
          always: { guard: "allReady", target: "#workspace.running" },
          invoke: {
            id: "deadline",
            src: "deadline",
            input: ({ context }) =>
              limit(context, "starting.initializing", "initializeMs", "Getting ready of all machines"),
            onError: { target: "#workspace.stopping.halting", actions: ["blame", "stopForFailure"] },
          },
        },
        relaunching: {
          description: "One for all: every machine ends before all are launched again.",
          entry: "haltAll",
          always: { guard: "allEnded", target: "launching" },
          on: {
            "machine.stopped": {
              guard: { type: "isLeft", params: ({ event }) => event },
              target: "#workspace.stopping.halting",
              actions: ["note", { type: "blameLeft", params: ({ event }) => event }, "stopForFailure"],
            },
            "machine.completed": {
              guard: { type: "isLeft", params: ({ event }) => event },
              target: "#workspace.stopping.halting",
              actions: ["note", { type: "blameLeft", params: ({ event }) => event }, "stopForFailure"],
            },
            "machine.failed": [
              {
                guard: { type: "isLeft", params: ({ event }) => event },
                target: "#workspace.stopping.halting",
                actions: ["note", "blame", "stopForFailure"],
              },
              { actions: "note" },
            ],
          },
          invoke: {
            id: "deadline",
            src: "deadline",
            input: ({ context }) => limit(context, "starting.relaunching", "haltMs", "Ending all machines"),
            onError: { target: "#workspace.stopping.halting", actions: ["blame", "stopForFailure"] },
          },
        },
      },
    },

    running: {
      tags: ["RUNNING"],
      initial: "deciding",
      always: [
        { guard: "allCompleted", target: "stopping.halting", actions: "stopForCompletion" },
        { guard: "noneLeft", target: "stopping.halting", actions: "stopForFailure" },
      ],
      on: {
        "workspace.start": {},
        "workspace.stop": {
          target: "stopping.halting",
          actions: { type: "wantStop", params: ({ event }) => event },
        },
        "machine.booted": { actions: ["note", "release"] },
        "machine.ready": { actions: ["note", "release"] },
        "machine.away": { actions: "note" },
        "machine.completed": { actions: ["note", "release"] },
        "machine.stopped": { actions: "note" },
        "machine.failed": [
          { guard: "isGivenUp", actions: ["note", "blame"] },
          {
            guard: { type: "mayRelaunch", params: ({ event }) => event },
            target: "starting.relaunching",
            actions: ["note", { type: "countRelaunch", params: ({ event }) => event.failure }],
          },
          { target: "stopping.halting", actions: ["note", "blame", "stopForFailure"] },
        ],
      },
      states: {
        deciding: {
          tags: ["transient"],
          always: [{ guard: "allReady", target: "steady" }, { target: "interrupted" }],
        },
        steady: { always: { guard: "someNotReady", target: "interrupted" } },
        interrupted: {
          description: "A machine is under restart, or the connection to it is lost.",
          tags: ["busy"],
          always: { guard: "allReady", target: "steady" },
          invoke: {
            id: "deadline",
            src: "deadline",
            input: ({ context }) =>
              limit(context, "running.interrupted", "interruptedMs", "Bringing all machines back"),
            onError: { target: "#workspace.stopping.halting", actions: ["blame", "stopForFailure"] },
          },
        },
      },
    },

    stopping: {
      tags: ["STOPPING", "busy"],
      initial: "interrupting",
      on: {
        "workspace.start": { actions: { type: "keepNext", params: ({ event }) => event.run } },
      },
      states: {
        interrupting: {
          description: "What the start had begun is let go of, and settles or is fenced off.",
          invoke: [
            {
              id: "settle",
              src: "settle",
              input: ({ context }) => portInput(context),
              onDone: "destroying",
              onError: "destroying",
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "stopping.interrupting", "settleMs", "Interrupting the start"),
              onError: "destroying",
            },
          ],
          on: { "workspace.stop": { target: "destroying", actions: "force" } },
        },
        halting: {
          description: "Machines end in the reverse order of their dependencies.",
          entry: "halt",
          always: { guard: "allEnded", target: "destroying" },
          invoke: {
            id: "deadline",
            src: "deadline",
            input: ({ context }) => limit(context, "stopping.halting", "haltMs", "Ending all machines"),
            onError: "destroying",
          },
          on: {
            "workspace.stop": { actions: ["force", "halt"] },
            "machine.away": { actions: ["note", "halt"] },
            "machine.stopped": { actions: ["note", "halt"] },
            "machine.completed": { actions: ["note", "halt"] },
            "machine.failed": { actions: ["note", "halt"] },
          },
        },
        destroying: {
          description: "All there is of the instance is removed, whatever it is.",
          entry: "killAll",
          initial: "removing",
          invoke: {
            id: "deadline",
            src: "deadline",
            input: ({ context }) => limit(context, "stopping.destroying", "destroyMs", "Removing the instance"),
            onError: { target: "#workspace.stopped", actions: "blame" },
          },
          on: { "workspace.stop": { actions: "force" } },
          states: {
            removing: {
              invoke: {
                id: "destroy",
                src: "destroy",
                input: ({ context }) => portInput(context),
                onDone: [
                  {
                    guard: { type: "nothingLeft", params: ({ event }) => event.output },
                    target: "#workspace.stopped",
                  },
                  { target: "cooling" },
                ],
                onError: "cooling",
              },
            },
            cooling: {
              description:
                "Something is left: try again until the budget is used up; the leak ledger goes on after that.",
              after: { destroyBackoff: "removing" },
            },
          },
        },
      },
    },

    recovering: {
      description: "The supervisor was away. What is there decides how it goes on; the status stays what it was.",
      tags: ["busy"],
      initial: "deciding",
      invoke: [
        {
          id: "observe",
          src: "observe",
          input: ({ context }) => portInput(context),
          onDone: [
            {
              guard: "isToStop",
              target: "stopping.halting",
              actions: [{ type: "keepFound", params: ({ event }) => event.output }, "spawnMachines", "forgetFound"],
            },
            {
              guard: "wasRunning",
              target: "running",
              actions: [
                { type: "keepFound", params: ({ event }) => event.output },
                "spawnMachines",
                "release",
                "forgetFound",
              ],
            },
            {
              guard: "wasRelaunching",
              target: "starting.relaunching",
              actions: [{ type: "keepFound", params: ({ event }) => event.output }, "spawnMachines", "forgetFound"],
            },
            {
              target: "starting",
              actions: { type: "keepFound", params: ({ event }) => event.output },
            },
          ],
          onError: { target: "stopping.destroying", actions: ["blame", "stopForFailure"] },
        },
        {
          id: "deadline",
          src: "deadline",
          input: ({ context }) => limit(context, "recovering", "observeMs", "Finding out what is left of the instance"),
          onError: { target: "stopping.destroying", actions: ["blame", "stopForFailure"] },
        },
      ],
      on: {
        "workspace.start": [{ guard: "isToStop", actions: { type: "keepNext", params: ({ event }) => event.run } }, {}],
        "workspace.stop": [
          { guard: "isToStop", target: "stopping.destroying", actions: "force" },
          {
            guard: { type: "isForcing", params: ({ event }) => event },
            target: "stopping.destroying",
            actions: { type: "wantStop", params: ({ event }) => event },
          },
          { target: ".finishing", actions: { type: "wantStop", params: ({ event }) => event } },
        ],
      },
      states: {
        deciding: {
          tags: ["transient"],
          always: [
            { guard: "isToStop", target: "finishing" },
            { guard: "wasRunning", target: "adopting" },
            { guard: "wasRelaunching", target: "relaunching" },
            { target: "resuming" },
          ],
        },
        adopting: { tags: ["RUNNING"] },
        relaunching: { tags: ["STARTING"] },
        resuming: { tags: ["STARTING"] },
        finishing: { tags: ["STOPPING"] },
      },
    },
  },
});

type MachineEnd = Extract<MachineReport, { type: "machine.failed" }>;

function begun(run: Run): Partial<WorkspaceContext> {
  return {
    instanceId: run.instanceId,
    plan: run.plan,
    next: null,
    recovered: null,
    found: {},
    progress: {},
    everReady: [],
    relaunches: [],
    isForced: false,
    stopReason: null,
    failure: null,
  };
}

function portInput({ instanceId }: WorkspaceContext): WorkspacePortInput {
  return { instanceId: instanceId ?? "" };
}

function limit(
  { instanceId, source, plan }: WorkspaceContext,
  state: string,
  budget: keyof WorkspaceBudgets,
  what: string,
): DeadlineInput {
  return { instanceId: instanceId ?? "", source, state, budgetMs: plan?.budgets[budget] ?? 0, what };
}

function every({ progress }: WorkspaceContext, states: readonly Progress[]): boolean {
  return Object.values(progress).every((state) => states.includes(state));
}

/** What a machine's report changes: nothing, if the machine is none of this launch. */
function noted(context: WorkspaceContext, event: WorkspaceCommand | MachineReport): Partial<WorkspaceContext> {
  if (event.type === "workspace.start" || event.type === "workspace.stop") return {};
  if (context.progress[event.machine] === undefined) return {};
  const progress = { ...context.progress, [event.machine]: progressAfter(event) };
  return event.type === "machine.ready" && !context.everReady.includes(event.machine)
    ? { progress, everReady: [...context.everReady, event.machine] }
    : { progress };
}

function progressAfter(report: MachineReport): Progress {
  switch (report.type) {
    case "machine.booted":
      return "booted";
    case "machine.ready":
      return "ready";
    case "machine.away":
      return "away";
    case "machine.completed":
      return "completed";
    case "machine.stopped":
      return "stopped";
    case "machine.failed":
      return "failed";
  }
}

/** Machines that wait, and need not any longer. */
function releasable({ plan, progress, everReady }: WorkspaceContext): string[] {
  const isMet = (machine: string, condition: "started" | "healthy" | "completed"): boolean => {
    const state = progress[machine];
    if (condition === "completed") return state === "completed";
    if (condition === "healthy") return state === "completed" || everReady.includes(machine);
    return state === "booted" || state === "ready" || state === "away" || state === "completed";
  };
  return Object.entries(plan?.machines ?? {})
    .filter(([name]) => progress[name] === "waiting")
    .filter(([, { dependsOn }]) => Object.entries(dependsOn).every(([machine, condition]) => isMet(machine, condition)))
    .map(([name]) => name);
}

/**
 * Machines that have not ended and that no other such machine depends on; when forced, all that have not ended. Those that are
 * on their way to run, or away, or under restart, come first: nobody has anything from them, and they must not be started now.
 */
function haltable({ plan, progress, isForced }: WorkspaceContext): string[] {
  const ended: readonly (Progress | undefined)[] = ["completed", "failed", "stopped"];
  const alive = Object.keys(progress).filter((name) => !ended.includes(progress[name]));
  if (isForced) return alive;
  const needed = new Set(alive.flatMap((name) => Object.keys(plan?.machines[name]?.dependsOn ?? {})));
  return alive.filter((name) => !needed.has(name) || progress[name] === "released" || progress[name] === "away");
}

function relaunchesAt({ plan, relaunches }: WorkspaceContext, failure: Failure): number[] {
  return plan === null ? [] : crashesAt(plan.strategy, relaunches, failure.at ?? 0);
}

function mayRelaunch(context: WorkspaceContext, failure: Failure): boolean {
  const strategy = context.plan?.strategy;
  return strategy?.onFailure === "one-for-all" && relaunchesAt(context, failure).length <= strategy.maxRestarts;
}
