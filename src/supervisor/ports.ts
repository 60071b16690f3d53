/**
 * The work that the charts name, provided.
 *
 * Every port finds its instance by id, does its work in the lane of the resource it touches, and rejects with a
 * {@link PortError}. Aborting a port lets go of the work: what is begun goes on or not, but nobody is told, and
 * the lane keeps it apart from what clears it up.
 */
import { type EventObject, fromCallback, fromPromise, type NonReducibleUnknown } from "xstate";
import { type InstallerPortInput, installerLogic, type ScriptEnd } from "../../machines/installer.ts";
import { type BootedMachine, type MachineFact, type MachinePortInput, machineLogic } from "../../machines/machine.ts";
import type { DeadlineInput, Source } from "../../machines/port.ts";
import { type ProbeInput, type ServerFact, serverLogic } from "../../machines/server.ts";
import { type Observed, type WorkspacePortInput, workspaceLogic } from "../../machines/workspace.ts";
import type { MachineFact as InfrastructureFact, InstanceRef, Leak, Progress } from "../infrastructure/spi.ts";
import type { ProbeSpec } from "../model/environment.ts";
import { probe } from "../servers/probe.ts";
import { type Ask, livenessProbes, readinessProbes } from "../servers/probes.ts";
import { wait } from "../servers/wait.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Admission } from "./admission.ts";
import type { Clock } from "./api.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Lanes } from "./lanes.ts";
import { lastLinesOf, textOf } from "./last-lines.ts";
import type { LiveInstance } from "./live-instance.ts";
import { PortError, portError } from "./port-error.ts";

/** What the ports need of the supervisor. */
export interface PortsContext {
  readonly clock: Clock;
  readonly lanes: Lanes;
  readonly deadlines: Deadlines;
  readonly admission: Admission;
  readonly logger: Logger;
  /** @throws if the instance has ended: its charts have too */
  live(instanceId: string): LiveInstance;
  /** What is there, as the charts of the instance want to know it. */
  found(live: LiveInstance, signal: AbortSignal): Promise<Observed>;
  warned(live: LiveInstance): void;
  progress(live: LiveInstance, machine: string | null): Progress;
  /** Keeps the last lines of every stream before the files go. */
  keepOutput(live: LiveInstance): Promise<void>;
  /** Tries once more to remove what earlier instances of the workspace left: a new one may need their ports. */
  clearLeaks(workspaceId: string): Promise<void>;
  leaked(ref: InstanceRef, infrastructure: string, leaks: readonly Leak[]): void;
}

/** How long clearing up waits for work that was aborted, before it goes on without it. Below the budgets of the charts' killing and destroying. */
const FENCE_MS = 5_000;

/** Between two looks at an infrastructure that does not answer: from this, doubling to the next. */
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 5_000;

/** The workspace's chart with all that it needs, down to the leaves. Built once: providing costs more than creating an actor. */
export function provideWorkspace(context: PortsContext) {
  const { clock, lanes, deadlines, admission } = context;
  const deadline = fromPromise<never, DeadlineInput>(async ({ input, signal }) => {
    const { instanceId, source, budgetMs, what } = input;
    await deadlines.reached(input, signal);
    const lastLines = await linesOf(context, instanceId, source);
    throw new PortError("DEADLINE_EXCEEDED", `${what} took longer than ${budgetMs} ms`, {
      at: clock.now(),
      budgetMs,
      lastLines,
    });
  });

  /** Work on the whole instance. */
  const onInstance = <Output>(work: (live: LiveInstance, signal: AbortSignal) => Promise<Output>) =>
    port<Output, WorkspacePortInput>(context, null, work);
  /** Work on one machine, in its lane. */
  const onMachine = <Output>(work: (live: LiveInstance, machine: string, signal: AbortSignal) => Promise<Output>) =>
    port<Output, MachinePortInput>(
      context,
      ({ machine }) => ({ kind: "machine", machine }),
      (live, signal, { machine }) => lanes.run(laneOf(live.id, machine), () => work(live, machine, signal), signal),
    );

  const server = serverLogic.provide({
    actors: {
      deadline,
      probe: follow<ServerFact, ProbeInput>(context, (input, tell, signal) => probing(context, input, tell, signal)),
    },
  });

  const installer = installerLogic.provide({
    actors: {
      deadline,
      runScript: port<ScriptEnd, InstallerPortInput>(context, installerSource, (live, signal, input) =>
        runScript(context, live, input, signal),
      ),
      awaitServers: port<void, InstallerPortInput>(context, installerSource, (live, signal, input) =>
        awaitServers(context, live, input, signal),
      ),
    },
  });

  const machine = machineLogic.provide({
    actors: {
      deadline,
      server,
      installer,
      fetchImage: onMachine((live, name, signal) =>
        live.infrastructure.fetchImage(live.spec, name, signal, context.progress(live, name)),
      ),
      createMachine: onMachine((live, name, signal) => live.infrastructure.createMachine(live.spec, name, signal)),
      bootMachine: onMachine((live, name, signal) => boot(context, live, name, signal)),
      stopMachine: onMachine((live, name, signal) =>
        live.infrastructure.stopMachine(live.spec, name, live.machine(name).graceMs, signal),
      ),
      killMachine: port<void, MachinePortInput>(context, null, async (live, signal, { machine: name }) => {
        await fenceOff(context, laneOf(live.id, name), signal);
        await lanes.run(
          laneOf(live.id, name),
          () => live.infrastructure.stopMachine(live.spec, name, 0, signal),
          signal,
        );
      }),
      removeMachine: onMachine((live, name, signal) => live.infrastructure.removeMachine(live.spec, name, signal)),
      watchMachine: follow<MachineFact, MachinePortInput>(context, (input, tell, signal) =>
        watching(context, input, tell, signal),
      ),
    },
  });

  return workspaceLogic.provide({
    actors: {
      deadline,
      machine,
      admit: onInstance((live, signal) =>
        admission.enter(live.id, { owner: live.spec.owner, priority: live.priority }, signal),
      ),
      prepare: onInstance((live, signal) =>
        lanes.run(laneOf(live.id, ""), () => prepare(context, live, signal), signal),
      ),
      observe: onInstance((live, signal) => context.found(live, signal)),
      settle: onInstance((live, signal) => fenceOff(context, lanesOf(live.id), signal)),
      destroy: onInstance((live, signal) => destroy(context, live, signal)),
    },
  });
}

/** A workspace's chart that can be run. */
export type WorkspaceLogic = ReturnType<typeof provideWorkspace>;

/** Lanes of one instance begin with its id. */
export function lanesOf(instanceId: string): string {
  return `${instanceId} `;
}

/** Ends with a blank, which no machine's name has: so it is no beginning of another machine's. */
function laneOf(instanceId: string, machine: string): string {
  return `${lanesOf(instanceId)}${machine} `;
}

function installerSource({ machine, installer }: InstallerPortInput): Source {
  return { kind: "installer", machine, name: installer };
}

/** Work that settles once. Its errors become {@link PortError}s with the last lines of `source`. */
function port<Output, Input extends { readonly instanceId: string } & NonReducibleUnknown>(
  context: PortsContext,
  source: ((input: Input) => Source) | null,
  work: (live: LiveInstance, signal: AbortSignal, input: Input) => Promise<Output>,
) {
  return fromPromise<Output, Input>(async ({ input, signal }) => {
    try {
      return await work(context.live(input.instanceId), signal, input);
    } catch (error) {
      if (signal.aborted) throw error; // nobody listens any more
      const at = context.clock.now();
      const lines = source === null ? [] : await linesOf(context, input.instanceId, source(input));
      const failure = portError(error, at, lines);
      if (failure.class === "internal") context.logger.error({ err: error, input }, "unexpected error in a port");
      throw failure;
    }
  });
}

/** What XState makes of a promise that rejects; a callback has to say it itself. */
interface ErrorEvent extends EventObject {
  readonly error: PortError;
}

/** Work that goes on for as long as its state. If it ends with an error all the same, its chart hears of that as of any other. */
function follow<
  Fact extends { readonly type: string },
  Input extends { readonly instanceId: string } & NonReducibleUnknown,
>(context: PortsContext, work: (input: Input, tell: (fact: Fact) => void, signal: AbortSignal) => Promise<void>) {
  return fromCallback<EventObject, Input>(({ input, sendBack, self }) => {
    const controller = new AbortController();
    const { signal } = controller;
    const tell = (fact: Fact): void => {
      if (!signal.aborted) sendBack(fact);
    };
    work(input, tell, signal).catch((error: unknown) => {
      if (signal.aborted) return;
      context.logger.error({ err: error, input }, "unexpected end of a follower");
      const failure: ErrorEvent = {
        type: `xstate.error.actor.${self.id}`,
        error: portError(error, context.clock.now(), []),
      };
      sendBack(failure);
    });
    return () => controller.abort();
  });
}

async function prepare(context: PortsContext, live: LiveInstance, signal: AbortSignal): Promise<void> {
  await context.clearLeaks(live.spec.workspaceId);
  signal.throwIfAborted();
  const { warnings } = await live.infrastructure.prepare(live.spec, signal, context.progress(live, null));
  if (live.warn(warnings)) context.warned(live);
}

async function boot(
  context: PortsContext,
  live: LiveInstance,
  machine: string,
  signal: AbortSignal,
): Promise<BootedMachine> {
  const started = await live.infrastructure.startMachine(live.spec, machine, signal);
  live.started(machine, started);
  if (started.warnings.length > 0) context.warned(live);
  return {
    urls: Object.fromEntries(Object.entries(started.addresses).map(([name, { url }]) => [name, url])),
    attributes: started.attributes,
  };
}

/** The script goes into the machine as a file: it may be longer than an argument, and is nobody's business in a process list. */
async function runScript(
  { clock }: PortsContext,
  live: LiveInstance,
  { machine, installer }: InstallerPortInput,
  signal: AbortSignal,
): Promise<ScriptEnd> {
  const { infrastructure, spec } = live;
  const { script } = live.machine(machine).installers.find(({ id }) => id === installer) ?? { script: "" };
  const path = `.troupe/installers/${encodeURIComponent(installer)}.sh`;
  await infrastructure.put(spec, machine, [{ path, content: script, mode: 0o600 }], signal);
  const exit = await infrastructure.exec(spec, machine, { id: installer, command: ["/bin/sh", path], env: {} }, signal);
  const lastLines = exit.code === 0 ? [] : textOf(await lastLinesOf(infrastructure, spec, machine, clock), installer);
  return { exit, lastLines };
}

/** A connection is enough here, whatever the server's readiness asks for: readiness is checked afterwards. */
async function awaitServers(
  { clock }: PortsContext,
  live: LiveInstance,
  { machine, installer }: InstallerPortInput,
  signal: AbortSignal,
): Promise<void> {
  const { servers = [] } = live.machine(machine).installers.find(({ id }) => id === installer) ?? {};
  await Promise.all(
    servers.map(async (name) => {
      const { readiness, transport } = live.server(machine, name);
      const spec: ProbeSpec = { ...readiness, type: transport === "udp" ? "none" : "tcp" };
      for await (const { passed } of readinessProbes(readiness, asking(live, machine, name, spec), clock, signal)) {
        if (passed) return;
      }
    }),
  );
}

async function probing(
  context: PortsContext,
  { instanceId, machine, server, purpose }: ProbeInput,
  tell: (fact: ServerFact) => void,
  signal: AbortSignal,
): Promise<void> {
  const live = context.live(instanceId);
  const { readiness, liveness } = live.server(machine, server);
  const results =
    purpose === "readiness"
      ? readinessProbes(readiness, asking(live, machine, server, readiness), context.clock, signal)
      : livenessProbes(liveness, asking(live, machine, server, liveness), context.clock, signal);
  for await (const { passed, message } of results) {
    tell({ type: passed ? "probe.answered" : "probe.missed", message });
  }
}

/**
 * Most servers are asked from here; an infrastructure whose servers can't be reached from here asks them itself. Of a machine
 * that was found ended nobody knows the addresses any more: its servers do not answer, until the watch tells that it has ended.
 */
function asking(live: LiveInstance, machine: string, server: string, spec: ProbeSpec): Ask {
  const { infrastructure } = live;
  const address = live.address(machine, server);
  if (address === undefined) return () => Promise.resolve({ passed: false, message: "its machine does not run" });
  return (signal) => infrastructure.probe?.(spec, address, signal) ?? probe(spec, address, signal);
}

/** Tells how the machine fares until it has exited. An infrastructure that does not answer means that the connection is lost, not the machine. */
async function watching(
  { live: liveOf, clock, logger }: PortsContext,
  { instanceId, machine }: MachinePortInput,
  tell: (fact: MachineFact) => void,
  signal: AbortSignal,
): Promise<void> {
  const { infrastructure, spec } = liveOf(instanceId);
  const ended = async (fact: Extract<InfrastructureFact, { type: "exited" }> | null): Promise<void> => {
    const lastLines = textOf(await lastLinesOf(infrastructure, spec, machine, clock), null);
    const exit = fact?.exit ?? null;
    tell({ type: "watch.exited", exit, at: exit?.at ?? clock.now(), lastLines });
  };
  let isAway = false;
  let hasLostSight = false;
  for (let retryMs = RETRY_FIRST_MS; ; retryMs = Math.min(2 * retryMs, RETRY_LONGEST_MS)) {
    try {
      if (hasLostSight) {
        await infrastructure.observe(spec, signal); // it answers again; what became of the machine, the watch looks first
        hasLostSight = false;
        isAway = false;
        tell({ type: "watch.back" });
      }
      for await (const fact of infrastructure.watch(spec, machine, signal)) {
        if (fact.type === "exited") return await ended(fact);
        isAway = fact.type === "away";
        tell(fact.type === "away" ? { type: "watch.away", reason: fact.reason } : { type: "watch.back" });
        retryMs = RETRY_FIRST_MS;
      }
      return signal.aborted ? undefined : await ended(null);
    } catch (error) {
      if (signal.aborted) return;
      logger.warn({ err: error, instanceId, machine }, "lost sight of a machine");
      if (!isAway) tell({ type: "watch.away", reason: error instanceof Error ? error.message : String(error) });
      isAway = true;
      hasLostSight = true;
    }
    await wait(retryMs, clock, signal).catch(() => {}); // an abort is seen by the next watch
    if (signal.aborted) return;
  }
}

async function destroy(context: PortsContext, live: LiveInstance, signal: AbortSignal): Promise<{ left: number }> {
  const { infrastructure, spec } = live;
  await fenceOff(context, lanesOf(live.id), signal);
  await context.keepOutput(live);
  try {
    const leaks = await infrastructure.destroy(spec, signal);
    context.leaked(spec, infrastructure.name, leaks);
    return { left: leaks.length };
  } catch (error) {
    if (!signal.aborted) {
      const reason = error instanceof Error ? error.message : String(error);
      context.leaked(spec, infrastructure.name, [{ kind: "instance", id: live.id, reason }]);
    }
    throw error;
  }
}

/** Waits until nothing is under way in these lanes; what does not settle in time is fenced off. */
async function fenceOff({ lanes, clock }: PortsContext, prefix: string, signal: AbortSignal): Promise<void> {
  const patience = new AbortController();
  const timer = clock.setTimeout(() => patience.abort(), FENCE_MS);
  try {
    await lanes.settled(prefix, AbortSignal.any([signal, patience.signal]));
  } catch {
    signal.throwIfAborted();
    lanes.fence(prefix);
  } finally {
    clock.clearTimeout(timer);
  }
}

async function linesOf(context: PortsContext, instanceId: string, source: Source): Promise<readonly string[]> {
  if (source.kind === "workspace") return [];
  const { infrastructure, spec } = context.live(instanceId);
  const lines = await lastLinesOf(infrastructure, spec, source.machine, context.clock);
  return textOf(lines, source.kind === "installer" ? source.name : null);
}

/** Observes until the infrastructure answers. Told once that it does not: a log that repeats it helps nobody. */
export async function persistently<Result>(
  work: () => Promise<Result>,
  { clock, logger }: Pick<PortsContext, "clock" | "logger">,
  signal: AbortSignal,
): Promise<Result> {
  for (let retryMs = RETRY_FIRST_MS; ; retryMs = Math.min(2 * retryMs, RETRY_LONGEST_MS)) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (retryMs === RETRY_FIRST_MS) logger.warn({ err: error }, "the infrastructure does not answer; trying again");
    }
    await wait(retryMs, clock, signal);
  }
}
