/**
 * Lifecycle of one installer: a script that runs once in a machine, and the servers it brings up.
 *
 *     pending ──run──▶ running ──script ended──▶ awaitingServers ──all accept──▶ done
 *                         │  └── no servers, code 0 ────────────────────────────▶ done
 *                         └── code ≠ 0 ▶ failed    budget used up ▶ timedOut    interrupt ▶ interrupted
 *
 * An installer with servers is done as soon as all of them accept connections, even while its
 * script still runs: the script is then the server. A script that ended well before its port is
 * open is given the check period, for it may have left a daemon behind.
 *
 * Leaving `running` lets go of the script and does not end it: the machine ends what runs in it.
 */
import { type ActorRef, assign, type Snapshot, sendTo, setup } from "xstate";
import { describeExit, type Exit, type Failure, failureIn } from "./failure.ts";
import { deadline, port, type Source } from "./port.ts";

export interface InstallerPlan {
  readonly machine: string;
  readonly id: string;
  readonly version: string;
  readonly servers: readonly string[];
  /** For the script and its servers together. */
  readonly timeoutMs: number;
  /** How long servers may take to accept after the script has ended. */
  readonly checkMs: number;
}

export interface InstallerInput {
  readonly instanceId: string;
  readonly plan: InstallerPlan;
  /** An installer of an adopted machine that had got ready is done. */
  readonly isDone: boolean;
  readonly inbox: InstallerInbox;
}

/** What an installer tells the machine that owns it. */
export type InstallerReport =
  | { readonly type: "installer.done"; readonly id: string }
  | { readonly type: "installer.failed"; readonly id: string; readonly failure: Failure };

export type InstallerInbox = ActorRef<Snapshot<unknown>, InstallerReport>;

export type InstallerCommand = { readonly type: "installer.run" } | { readonly type: "installer.interrupt" };

export interface InstallerPortInput {
  readonly instanceId: string;
  readonly machine: string;
  readonly installer: string;
}

/** How the script ended, and what it said last. */
export interface ScriptEnd {
  readonly exit: Exit;
  readonly lastLines: readonly string[];
}

export interface InstallerContext {
  readonly instanceId: string;
  readonly source: Source;
  readonly plan: InstallerPlan;
  readonly isDone: boolean;
  readonly inbox: InstallerInbox;
  readonly failure: Failure | null;
}

export const installerLogic = setup({
  types: {
    input: {} as InstallerInput,
    context: {} as InstallerContext,
    events: {} as InstallerCommand,
    tags: {} as "STARTING" | "RUNNING" | "DONE" | "FAILED" | "busy" | "transient",
  },
  actors: {
    /** Runs the script, or finds it again; settles when it has ended, whatever its code. */
    runScript: port<ScriptEnd, InstallerPortInput>("runScript"),
    /** Settles when every server of the installer accepts a connection. */
    awaitServers: port<void, InstallerPortInput>("awaitServers"),
    deadline,
  },
  guards: {
    isDone: ({ context }) => context.isDone,
    hasServers: ({ context }) => context.plan.servers.length > 0,
    endedWell: (_, { exit }: ScriptEnd) => exit.code === 0,
  },
  actions: {
    blame: assign({
      failure: ({ context, event, self }) =>
        failureIn(event, { source: context.source, state: self.getSnapshot().value }),
    }),
    blameScript: assign({
      failure: ({ context }, { exit, lastLines }: ScriptEnd): Failure => ({
        class: "infrastructure",
        code: "INSTALLER_FAILED",
        message: `Script of installer "${context.plan.id}" in machine "${context.plan.machine}" ${describeExit(exit)}`,
        source: context.source,
        state: "active.running",
        at: exit.at,
        budgetMs: null,
        exit,
        lastLines,
      }),
    }),
    sayDone: sendTo(
      ({ context }) => context.inbox,
      ({ context }) => ({ type: "installer.done", id: context.plan.id }),
    ),
    sayFailed: sendTo(
      ({ context }) => context.inbox,
      ({ context }) => ({
        type: "installer.failed",
        id: context.plan.id,
        failure: context.failure ?? failureIn({}, { source: context.source, state: "active" }),
      }),
    ),
  },
}).createMachine({
  id: "installer",
  options: { maxIterations: 1000 },
  context: ({ input }) => ({
    instanceId: input.instanceId,
    source: { kind: "installer", machine: input.plan.machine, name: input.plan.id },
    plan: input.plan,
    isDone: input.isDone,
    inbox: input.inbox,
    failure: null,
  }),
  initial: "deciding",
  on: { "installer.interrupt": { target: ".interrupted" } },
  states: {
    deciding: {
      tags: ["transient"],
      always: [{ guard: "isDone", target: "done" }, { target: "pending" }],
    },
    pending: {
      description: "Waits for its turn.",
      tags: ["STARTING"],
      on: { "installer.run": "active" },
    },
    active: {
      description: "The budget is one for the script and its servers.",
      initial: "running",
      tags: ["RUNNING", "busy"],
      invoke: {
        id: "deadline",
        src: "deadline",
        input: ({ context }) => ({
          instanceId: context.instanceId,
          source: context.source,
          state: "active",
          budgetMs: context.plan.timeoutMs,
          what: `Installer "${context.plan.id}" in machine "${context.plan.machine}"`,
        }),
        onError: { target: "timedOut", actions: "blame" },
      },
      states: {
        running: {
          invoke: [
            {
              id: "runScript",
              src: "runScript",
              input: ({ context }) => portInput(context),
              onDone: [
                { guard: { type: "endedWell", params: ({ event }) => event.output }, target: "awaitingServers" },
                {
                  target: "#installer.failed",
                  actions: { type: "blameScript", params: ({ event }) => event.output },
                },
              ],
              onError: { target: "#installer.failed", actions: "blame" },
            },
            {
              id: "awaitServers",
              src: "awaitServers",
              input: ({ context }) => portInput(context),
              // Without servers this settles at once and says nothing.
              onDone: { guard: "hasServers", target: "#installer.done" },
              onError: { target: "#installer.failed", actions: "blame" },
            },
          ],
        },
        awaitingServers: {
          invoke: [
            {
              id: "awaitServers",
              src: "awaitServers",
              input: ({ context }) => portInput(context),
              onDone: "#installer.done",
              onError: { target: "#installer.failed", actions: "blame" },
            },
            {
              id: "checkDeadline",
              src: "deadline",
              input: ({ context }) => ({
                instanceId: context.instanceId,
                source: context.source,
                state: "active.awaitingServers",
                budgetMs: context.plan.checkMs,
                what: `Accepting connections at ${context.plan.servers.join(", ")} after the script of installer "${context.plan.id}" had ended with code 0`,
              }),
              onError: { target: "#installer.failed", actions: "blame" },
            },
          ],
        },
      },
    },
    done: { type: "final", tags: ["DONE"], entry: "sayDone" },
    failed: { type: "final", tags: ["FAILED"], entry: "sayFailed" },
    timedOut: { type: "final", tags: ["FAILED"], entry: "sayFailed" },
    interrupted: {
      description: "Its machine was stopped first. Nobody is told: the machine knows.",
      type: "final",
      tags: ["FAILED"],
    },
  },
});

function portInput({ instanceId, plan }: InstallerContext): InstallerPortInput {
  return { instanceId, machine: plan.machine, installer: plan.id };
}
