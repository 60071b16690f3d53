/**
 * Lifecycle of one machine of an instance.
 *
 *     waiting ──start──▶ starting ──booted──▶ running ──stop──▶ stopping ──▶ stopped
 *                           │                  │  ▲               ▲ └─▶ completed
 *                           │            crash │  │ after backoff │ └─▶ failed
 *                           │                  ▼  │               │
 *                           │               restarting ───stop────┤
 *                           └──stop, failure, budget used up──────┘
 *
 * What is begun is always cleared: every way to an end leads through `stopping`, also that of a
 * start that was interrupted, since what it began may still come to be. A machine that crashes
 * before it was ever ready has failed; one that had been ready is restarted while its policy
 * allows, and then its failure goes to the workspace, which decides.
 *
 * A recovered machine goes from `deciding` to where reality is; `watch` looks before it listens,
 * so a machine that ended while nobody looked is found at once. Of one that had come to its end, what
 * is left is cleared first.
 */
import { type ActorRef, assign, enqueueActions, type Snapshot, sendTo, setup, stateIn } from "xstate";
import { describeExit, type Exit, type Failure, failureIn } from "./failure.ts";
import { type InstallerPlan, type InstallerReport, installerLogic } from "./installer.ts";
import { type DeadlineInput, deadline, port, type Source, source } from "./port.ts";
import { backoffMs, crashesAt, isFinished, mayRestart, type RestartPolicy } from "./restart.ts";
import { type ServerPlan, type ServerReport, serverLogic } from "./server.ts";

export interface MachinePlan {
  readonly machine: string;
  readonly dependsOn: Readonly<Record<string, "started" | "healthy" | "completed">>;
  /** In the order in which they run. */
  readonly installers: readonly InstallerPlan[];
  readonly servers: readonly ServerPlan[];
  readonly restart: RestartPolicy;
  readonly budgets: MachineBudgets;
}

/** The longest each waiting state may last, in milliseconds. */
export interface MachineBudgets {
  /** Until the machines that this one depends on are far enough. */
  readonly waitMs: number;
  readonly imageMs: number;
  readonly createMs: number;
  readonly bootMs: number;
  /** All installers together; each has a budget of its own besides. */
  readonly installMs: number;
  /** All servers together; each has a budget of its own besides. */
  readonly checkMs: number;
  /** How long the connection to a machine may be lost before the machine is. */
  readonly awayMs: number;
  /** Asking it to end, its grace included. */
  readonly stopMs: number;
  readonly killMs: number;
  readonly removeMs: number;
}

/** What is known of a machine when its actor begins. */
export interface MachineFound {
  /** What it was when it was last heard of; `new` if it never was. */
  readonly was: "new" | "starting" | "ready" | "stopping" | "completed" | "failed" | "stopped";
  /** What the infrastructure shows of it now. */
  readonly is: "absent" | "created" | "running" | "exited";
  /** Times of its crashes, in milliseconds since 1970. */
  readonly crashes: readonly number[];
  /** By server name. */
  readonly servers: Readonly<Record<string, "running" | "stopped">>;
  readonly urls: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
  readonly failure: Failure | null;
  readonly exit: Exit | null;
}

/** A machine that nobody has heard of yet. */
export const newMachine: MachineFound = {
  was: "new",
  is: "absent",
  crashes: [],
  servers: {},
  urls: {},
  attributes: {},
  failure: null,
  exit: null,
};

export interface MachineInput {
  readonly instanceId: string;
  readonly plan: MachinePlan;
  readonly found: MachineFound;
  readonly inbox: MachineInbox;
}

/** What a machine tells the workspace that owns it. Of its end also whether something `isLeft` of it, for it could not be removed. */
export type MachineReport =
  | { readonly type: "machine.booted"; readonly machine: string }
  | { readonly type: "machine.ready"; readonly machine: string }
  | { readonly type: "machine.away"; readonly machine: string }
  | { readonly type: "machine.stopped"; readonly machine: string; readonly isLeft: boolean }
  | { readonly type: "machine.completed"; readonly machine: string; readonly isLeft: boolean }
  | {
      readonly type: "machine.failed";
      readonly machine: string;
      readonly failure: Failure;
      readonly isLeft: boolean;
    };

export type MachineInbox = ActorRef<Snapshot<unknown>, MachineReport>;

export type MachineCommand =
  | { readonly type: "machine.start" }
  | { readonly type: "machine.stop" }
  | { readonly type: "machine.kill" };

/** What `watch` tells. */
export type MachineFact =
  | {
      readonly type: "watch.exited";
      readonly exit: Exit | null;
      readonly at: number;
      readonly lastLines: readonly string[];
    }
  | { readonly type: "watch.away"; readonly reason: string }
  | { readonly type: "watch.back" };

export interface MachinePortInput {
  readonly instanceId: string;
  readonly machine: string;
}

export interface BootedMachine {
  /** By server name. */
  readonly urls: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface MachineContext {
  readonly instanceId: string;
  readonly source: Source;
  readonly plan: MachinePlan;
  readonly found: MachineFound;
  readonly inbox: MachineInbox;
  readonly urls: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
  /** Times of the crashes that still count. */
  readonly crashes: readonly number[];
  readonly everReady: boolean;
  /** Index of the installer whose turn it is. */
  readonly turn: number;
  readonly readyServers: readonly string[];
  /** How it ends once it is cleared. */
  readonly outcome: "stopped" | "completed" | "failed";
  /** Whether something of it may be there still, once it has come to its end. */
  readonly isLeft: boolean;
  readonly failure: Failure | null;
  readonly exit: Exit | null;
}

const installerKey = (id: string): string => `installer ${id}`;
const serverKey = (name: string): string => `server ${name}`;

export const machineLogic = setup({
  types: {
    input: {} as MachineInput,
    context: {} as MachineContext,
    events: {} as MachineCommand | MachineFact | InstallerReport | ServerReport,
    tags: {} as "STARTING" | "RUNNING" | "STOPPED" | "FAILED" | "busy" | "away" | "transient",
  },
  actors: {
    fetchImage: port<void, MachinePortInput>("fetchImage"),
    createMachine: port<void, MachinePortInput>("createMachine"),
    bootMachine: port<BootedMachine, MachinePortInput>("bootMachine"),
    /** Asks the machine to end and ends it after its grace. */
    stopMachine: port<void, MachinePortInput>("stopMachine"),
    /** Ends the machine at once, with all that it left behind. */
    killMachine: port<void, MachinePortInput>("killMachine"),
    removeMachine: port<void, MachinePortInput>("removeMachine"),
    watchMachine: source<MachinePortInput>("watchMachine"),
    deadline,
    installer: installerLogic,
    server: serverLogic,
  },
  delays: {
    backoff: ({ context }) => backoffMs(context.plan.restart, context.crashes),
  },
  guards: {
    wasCompleted: ({ context }) => context.found.was === "completed",
    wasFailed: ({ context }) => context.found.was === "failed",
    wasStopped: ({ context }) => context.found.was === "stopped",
    /** What it had come to before it was asked to end does not matter any more. */
    wasStopping: ({ context }) => context.found.was === "stopping",
    isLeftOver: ({ context }) => hasEnded(context.found) && context.found.is !== "absent",
    /** It had crashed, and that was counted, before its restart was cut short. */
    wasRestarting: ({ context: { found } }) =>
      found.is === "exited" && found.exit !== null && found.crashes.includes(found.exit.at),
    isThere: ({ context }) =>
      context.found.is === "running" || context.found.is === "exited" || context.found.was === "ready",
    isAdopted: ({ context }) => isAdopted(context),
    isReady: stateIn({ running: { bootstrap: "ready" } }),
    /** An installer that says twice that it is done does not speak for the next one. */
    isItsTurn: ({ context }, id: string) => context.plan.installers[context.turn]?.id === id,
    allInstalled: ({ context }) => context.turn >= context.plan.installers.length,
    allServersReady: ({ context }) => context.readyServers.length >= context.plan.servers.length,
    isFinished: ({ context }, exit: Exit | null) => isFinished(context.plan.restart, exit),
    /** Only a machine that had been ready, or is being restarted, is started again. */
    mayRestart: ({ context }) =>
      (context.everReady || context.crashes.length > 0) &&
      mayRestart(context.plan.restart, context.crashes, crashedAt(context)),
    endsFailed: ({ context }) => context.outcome === "failed",
    endsCompleted: ({ context }) => context.outcome === "completed",
  },
  actions: {
    /** Makes the actors of its installers and servers; those of an earlier run have ended. */
    engage: enqueueActions(({ context, enqueue, self }) => {
      const { instanceId, plan, found, urls } = context;
      for (const installer of plan.installers) {
        const id = installerKey(installer.id);
        enqueue.stopChild(id);
        enqueue.spawnChild("installer", {
          id,
          input: { instanceId, plan: installer, isDone: isAdopted(context), inbox: self },
        });
      }
      for (const server of plan.servers) {
        const id = serverKey(server.name);
        enqueue.stopChild(id);
        enqueue.spawnChild("server", {
          id,
          input: {
            instanceId,
            plan: server,
            url: urls[server.name] ?? null,
            found: isAdopted(context) ? (found.servers[server.name] ?? "running") : "unknown",
            inbox: self,
          },
        });
      }
    }),
    /** Lets installers and servers end with the machine, so that each shows that it has. */
    disengage: enqueueActions(({ context, enqueue, self }) => {
      const { children } = self.getSnapshot();
      const isActive = (id: string): boolean => children[id]?.getSnapshot()?.status === "active";
      for (const { id } of context.plan.installers) {
        if (isActive(installerKey(id))) enqueue.sendTo(installerKey(id), { type: "installer.interrupt" });
      }
      for (const { name } of context.plan.servers) {
        if (isActive(serverKey(name))) enqueue.sendTo(serverKey(name), { type: "server.end" });
      }
    }),
    runInstaller: enqueueActions(({ context, enqueue }) => {
      const installer = context.plan.installers[context.turn];
      if (installer !== undefined) enqueue.sendTo(installerKey(installer.id), { type: "installer.run" });
    }),
    checkServers: enqueueActions(({ context, enqueue }) => {
      for (const { name } of context.plan.servers) enqueue.sendTo(serverKey(name), { type: "server.check" });
    }),
    beginRun: assign({ turn: 0, readyServers: [] }),
    blame: assign({
      failure: ({ context, event, self }) =>
        failureIn(event, { source: context.source, state: self.getSnapshot().value }),
    }),
    blameExit: assign({
      exit: (_, { exit }: ExitFact) => exit,
      failure: ({ context }, { exit, at, lastLines }: ExitFact): Failure => ({
        class: "infrastructure",
        code: exit?.oomKilled ? "MACHINE_OUT_OF_MEMORY" : "MACHINE_EXITED",
        message: `Machine "${context.plan.machine}" ${describeExit(exit)}`,
        source: context.source,
        state: "running",
        at,
        budgetMs: null,
        exit,
        lastLines,
      }),
    }),
    countCrash: assign({
      crashes: ({ context }) => crashesAt(context.plan.restart, context.crashes, crashedAt(context)),
    }),
    endFailed: assign({ outcome: "failed" }),
    leave: assign({ isLeft: true }),
    sayBooted: sendTo(
      ({ context }) => context.inbox,
      ({ context }) => ({ type: "machine.booted", machine: context.plan.machine }),
    ),
    sayReady: sendTo(
      ({ context }) => context.inbox,
      ({ context }) => ({ type: "machine.ready", machine: context.plan.machine }),
    ),
    sayAway: sendTo(
      ({ context }) => context.inbox,
      ({ context }) => ({ type: "machine.away", machine: context.plan.machine }),
    ),
    sayStopped: sendTo(
      ({ context }) => context.inbox,
      ({ context }) => ({ type: "machine.stopped", machine: context.plan.machine, isLeft: context.isLeft }),
    ),
    sayCompleted: sendTo(
      ({ context }) => context.inbox,
      ({ context }) => ({ type: "machine.completed", machine: context.plan.machine, isLeft: context.isLeft }),
    ),
    sayFailed: sendTo(
      ({ context }) => context.inbox,
      ({ context }) => ({
        type: "machine.failed",
        machine: context.plan.machine,
        failure: context.failure ?? failureIn({}, { source: context.source, state: "failed" }),
        isLeft: context.isLeft,
      }),
    ),
  },
}).createMachine({
  id: "machine",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({
    instanceId: input.instanceId,
    source: { kind: "machine", machine: input.plan.machine },
    plan: input.plan,
    found: input.found,
    inbox: input.inbox,
    urls: input.found.urls,
    attributes: input.found.attributes,
    crashes: input.found.crashes,
    everReady: false,
    turn: 0,
    readyServers: [],
    outcome: hasEnded(input.found) ? input.found.was : "stopped",
    isLeft: false,
    failure: input.found.failure,
    exit: input.found.exit,
  }),
  initial: "deciding",
  states: {
    deciding: {
      tags: ["transient"],
      always: [
        { guard: "isLeftOver", target: "stopping.killing" },
        { guard: "wasCompleted", target: "completed" },
        { guard: "wasFailed", target: "failed" },
        { guard: "wasStopped", target: "stopped" },
        { guard: "wasStopping", target: "stopping" },
        { guard: "wasRestarting", target: "restarting" },
        { guard: "isThere", target: "running" },
        { target: "waiting" },
      ],
    },

    waiting: {
      description: "Other machines come first.",
      tags: ["STARTING", "busy"],
      invoke: {
        id: "deadline",
        src: "deadline",
        input: ({ context }) => limit(context, "waiting", "waitMs", "Waiting for the machines before"),
        onError: { target: "crashed", actions: "blame" },
      },
      on: {
        "machine.start": "starting",
        "machine.stop": "stopping.removing",
        "machine.kill": "stopping.removing",
      },
    },

    starting: {
      tags: ["STARTING", "busy"],
      initial: "image",
      entry: "beginRun",
      on: {
        "machine.stop": "stopping.terminating",
        "machine.kill": "stopping.killing",
      },
      states: {
        image: {
          description: "What the machine is made from is brought to hand.",
          invoke: [
            {
              id: "fetchImage",
              src: "fetchImage",
              input: ({ context }) => portInput(context),
              onDone: "creating",
              onError: { target: "#machine.crashed", actions: "blame" },
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "starting.image", "imageMs", "Fetching the image of"),
              onError: { target: "#machine.crashed", actions: "blame" },
            },
          ],
        },
        creating: {
          invoke: [
            {
              id: "createMachine",
              src: "createMachine",
              input: ({ context }) => portInput(context),
              onDone: "booting",
              onError: { target: "#machine.crashed", actions: "blame" },
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "starting.creating", "createMs", "Creating"),
              onError: { target: "#machine.crashed", actions: "blame" },
            },
          ],
        },
        booting: {
          invoke: [
            {
              id: "bootMachine",
              src: "bootMachine",
              input: ({ context }) => portInput(context),
              onDone: {
                target: "#machine.running",
                actions: assign({
                  urls: ({ event }) => event.output.urls,
                  attributes: ({ event }) => event.output.attributes,
                }),
              },
              onError: { target: "#machine.crashed", actions: "blame" },
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "starting.booting", "bootMs", "Booting"),
              onError: { target: "#machine.crashed", actions: "blame" },
            },
          ],
        },
      },
    },

    running: {
      description: "Its main process runs; what it is for may still be on its way.",
      type: "parallel",
      entry: ["engage", "sayBooted"],
      exit: "disengage",
      invoke: {
        id: "watchMachine",
        src: "watchMachine",
        input: ({ context }) => portInput(context),
        onError: { target: "crashed", actions: "blame" },
      },
      on: {
        "machine.stop": "stopping.terminating",
        "machine.kill": "stopping.killing",
        "watch.exited": { target: "crashed", actions: { type: "blameExit", params: ({ event }) => event } },
      },
      states: {
        bootstrap: {
          initial: "deciding",
          states: {
            deciding: {
              tags: ["transient"],
              always: [
                { guard: "isAdopted", target: "ready" },
                { guard: "allInstalled", target: "installed" },
                { target: "installing" },
              ],
            },
            installing: {
              tags: ["STARTING", "busy"],
              entry: "runInstaller",
              always: { guard: "allInstalled", target: "installed" },
              invoke: {
                id: "installDeadline",
                src: "deadline",
                input: ({ context }) =>
                  limit(context, "running.bootstrap.installing", "installMs", "Running the installers of"),
                onError: { target: "#machine.crashed", actions: "blame" },
              },
              on: {
                "installer.done": {
                  guard: { type: "isItsTurn", params: ({ event }) => event.id },
                  actions: [assign({ turn: ({ context }) => context.turn + 1 }), "runInstaller"],
                },
                "installer.failed": { target: "#machine.crashed", actions: "blame" },
              },
            },
            installed: {
              tags: ["transient"],
              always: [{ guard: "allServersReady", target: "ready" }, { target: "checking" }],
            },
            checking: {
              tags: ["STARTING", "busy"],
              entry: "checkServers",
              always: { guard: "allServersReady", target: "ready" },
              invoke: {
                id: "checkDeadline",
                src: "deadline",
                input: ({ context }) =>
                  limit(context, "running.bootstrap.checking", "checkMs", "Waiting for the servers of"),
                onError: { target: "#machine.crashed", actions: "blame" },
              },
              on: {
                "server.ready": {
                  actions: assign({
                    readyServers: ({ context, event }) => [...new Set([...context.readyServers, event.name])],
                  }),
                },
                "server.unready": { target: "#machine.crashed", actions: "blame" },
              },
            },
            ready: {
              tags: ["RUNNING"],
              entry: [assign({ everReady: true, failure: null, exit: null }), "sayReady"],
              on: {
                "watch.exited": [
                  {
                    guard: { type: "isFinished", params: ({ event }) => event.exit },
                    target: "#machine.stopping.killing",
                    actions: assign({ outcome: "completed", exit: ({ event }) => event.exit }),
                  },
                  { target: "#machine.crashed", actions: { type: "blameExit", params: ({ event }) => event } },
                ],
              },
            },
          },
        },
        connection: {
          initial: "held",
          states: {
            held: { on: { "watch.away": "lost" } },
            lost: {
              description: "The machine may run on where nobody sees it.",
              tags: ["away", "busy"],
              entry: "sayAway",
              invoke: {
                id: "awayDeadline",
                src: "deadline",
                input: ({ context }) =>
                  limit(context, "running.connection.lost", "awayMs", "Finding the lost connection to"),
                onError: { target: "#machine.crashed", actions: "blame" },
              },
              on: {
                "watch.back": [
                  { guard: "isReady", target: "held", actions: "sayReady" },
                  { target: "held", actions: "sayBooted" },
                ],
              },
            },
          },
        },
      },
    },

    crashed: {
      description: "The one place that decides between a restart and the end.",
      tags: ["transient"],
      always: [
        { guard: "mayRestart", target: "restarting", actions: "countCrash" },
        { target: "stopping.killing", actions: "endFailed" },
      ],
    },

    restarting: {
      tags: ["STARTING", "busy"],
      initial: "killing",
      entry: "sayAway",
      on: {
        "machine.stop": "stopping.terminating",
        "machine.kill": "stopping.killing",
      },
      states: {
        killing: {
          description: "What is left of the run before is ended.",
          invoke: [
            {
              id: "killMachine",
              src: "killMachine",
              input: ({ context }) => portInput(context),
              onDone: "removing",
              onError: { target: "#machine.stopping.killing", actions: ["blame", "endFailed"] },
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "restarting.killing", "killMs", "Ending what was left of"),
              onError: { target: "#machine.stopping.killing", actions: ["blame", "endFailed"] },
            },
          ],
        },
        removing: {
          invoke: [
            {
              id: "removeMachine",
              src: "removeMachine",
              input: ({ context }) => portInput(context),
              onDone: "pausing",
              onError: { target: "#machine.stopping.killing", actions: ["blame", "endFailed"] },
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "restarting.removing", "removeMs", "Removing what was left of"),
              onError: { target: "#machine.stopping.killing", actions: ["blame", "endFailed"] },
            },
          ],
        },
        pausing: {
          description: "Backs off. A supervisor that restarts meanwhile starts the machine at once.",
          after: { backoff: "#machine.starting" },
        },
      },
    },

    stopping: {
      description: "To those outside it still runs until it is gone: nothing else would be true.",
      initial: "terminating",
      tags: ["RUNNING", "busy"],
      on: { "machine.stop": {} },
      states: {
        terminating: {
          description: "Asked to end; ended by the infrastructure after its grace.",
          invoke: [
            {
              id: "stopMachine",
              src: "stopMachine",
              input: ({ context }) => portInput(context),
              onDone: "removing",
              onError: "killing",
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "stopping.terminating", "stopMs", "Stopping"),
              onError: "killing",
            },
          ],
          on: { "machine.kill": "killing" },
        },
        killing: {
          invoke: [
            {
              id: "killMachine",
              src: "killMachine",
              input: ({ context }) => portInput(context),
              onDone: "removing",
              onError: "removing",
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "stopping.killing", "killMs", "Killing"),
              onError: "removing",
            },
          ],
          on: { "machine.kill": {} },
        },
        removing: {
          description: "What this cannot remove, the destruction of the whole instance will, or list.",
          invoke: [
            {
              id: "removeMachine",
              src: "removeMachine",
              input: ({ context }) => portInput(context),
              onDone: "#machine.ended",
              onError: { target: "#machine.ended", actions: "leave" },
            },
            {
              id: "deadline",
              src: "deadline",
              input: ({ context }) => limit(context, "stopping.removing", "removeMs", "Removing"),
              onError: { target: "#machine.ended", actions: "leave" },
            },
          ],
          on: { "machine.kill": {} },
        },
      },
    },

    ended: {
      tags: ["transient"],
      always: [
        { guard: "endsFailed", target: "failed" },
        { guard: "endsCompleted", target: "completed" },
        { target: "stopped" },
      ],
    },
    stopped: { tags: ["STOPPED"], entry: "sayStopped", on: { "machine.stop": {}, "machine.kill": {} } },
    completed: {
      description: "Its work is done, with code 0.",
      tags: ["STOPPED"],
      entry: "sayCompleted",
      on: { "machine.stop": {}, "machine.kill": {} },
    },
    failed: { tags: ["FAILED"], entry: "sayFailed", on: { "machine.stop": {}, "machine.kill": {} } },
  },
});

type ExitFact = Extract<MachineFact, { type: "watch.exited" }>;

function portInput({ instanceId, plan }: MachineContext): MachinePortInput {
  return { instanceId, machine: plan.machine };
}

function limit(
  { instanceId, source, plan }: MachineContext,
  state: string,
  budget: keyof MachineBudgets,
  what: string,
): DeadlineInput {
  return { instanceId, source, state, budgetMs: plan.budgets[budget], what: `${what} machine "${plan.machine}"` };
}

/** Whether it came to an end before this actor began; something may be left of it all the same. */
function hasEnded(found: MachineFound): found is MachineFound & { readonly was: "completed" | "failed" | "stopped" } {
  return found.was === "completed" || found.was === "failed" || found.was === "stopped";
}

/** Whether it was ready before this actor began, and has not been since. */
function isAdopted({ found, everReady }: MachineContext): boolean {
  return found.was === "ready" && !everReady;
}

/** When the failure that is dealt with happened; 0, which is in every window, where nobody knows. */
function crashedAt({ failure }: MachineContext): number {
  return failure?.at ?? 0;
}
