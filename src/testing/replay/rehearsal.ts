import { setImmediate as turn } from "node:timers/promises";
import { type SimulatedProgram, simulatedInfrastructure } from "../../infrastructure/simulated/index.ts";
import type { Instance } from "../../infrastructure/spi.ts";
import type { InstanceRow, Journal, WorkspaceRow } from "../../journal/spi.ts";
import type { Environment } from "../../model/environment.ts";
import type { Incident, IncidentInstance } from "../../model/incident.ts";
import type { StopReason, TroupeEvent } from "../../model/workspace.ts";
import type { LiveWorkspace } from "../../supervisor/live-workspace.ts";
import { WorkspaceActors } from "../../supervisor/workspace-actors.ts";
import { silentLogger } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { memoryJournal } from "../memory-journal.ts";
import { VirtualClock } from "../virtual-clock.ts";
import { Gate } from "./gate.ts";
import { gatedLogic } from "./gated-logic.ts";
import { asStarted } from "./history.ts";

/**
 * The workspace of an incident, run again by the real supervisor on simulated machines and virtual time. All work
 * waits at a gate, so that whoever rehearses decides when it settles, and how.
 */
export class Rehearsal {
  readonly clock: VirtualClock;
  readonly workspaceId: string;
  /** All that has happened here, in order. */
  readonly events: TroupeEvent[] = [];
  readonly #journal: Journal = memoryJournal();
  readonly #row: WorkspaceRow;
  #infrastructure: ReturnType<typeof simulatedInfrastructure>;
  #gate = new Gate();
  #actors: WorkspaceActors;

  constructor({ workspace: { id, ...workspace }, config }: Incident, beginAt: number) {
    this.clock = new VirtualClock(beginAt);
    this.workspaceId = id;
    this.#row = {
      ...workspace,
      workspaceId: id,
      config,
      version: 1,
      instanceId: null,
      status: "STOPPED",
      deletingSince: null,
    };
    this.#journal.createWorkspace(this.#row);
    this.#infrastructure = simulatedInfrastructure({ clock: this.clock, programs: { "": silent } });
    this.#actors = this.#newActors();
  }

  get gate(): Gate {
    return this.#gate;
  }

  get infrastructure(): ReturnType<typeof simulatedInfrastructure> {
    return this.#infrastructure;
  }

  /** The workspace, unless it is stopped. */
  get live(): LiveWorkspace | undefined {
    this.#actors.flush();
    return this.#actors.roster.get(this.workspaceId);
  }

  start(instance: IncidentInstance): void {
    this.#actors.start(this.#journal.workspace(this.workspaceId) ?? this.#row, this.#rowOf(instance));
  }

  /** Writes down that it is to run, as a supervisor that then comes no further. */
  intend(instance: IncidentInstance): void {
    this.#journal.createInstance(this.#rowOf(instance));
  }

  stop(reason: StopReason, isForced: boolean): void {
    const { live } = this;
    if (live !== undefined) this.#actors.stop(live, reason, isForced);
  }

  /**
   * Ends the supervisor as it is, and begins another over what it left, at that time. No budget is over in between.
   *
   * @param started machines that run by then, whether or not it was written down that they were started
   */
  async restart(at: number, started: readonly string[]): Promise<void> {
    const spec = this.#spec;
    await this.#actors.suspend();
    this.#infrastructure = this.#infrastructure.reopen();
    this.#gate = new Gate();
    this.#actors = this.#newActors();
    await this.clock.advanceAsync(Math.max(0, at - this.clock.now()));
    if (spec !== undefined) for (const machine of started) await this.#bringUp(spec, machine);
    this.#actors.recover();
  }

  /** Lets everything come to rest; no time passes. */
  async settle(): Promise<void> {
    await this.clock.settle();
    await turn();
    this.#actors.flush();
  }

  async close(): Promise<void> {
    await this.#actors.suspend();
    await this.#infrastructure.close();
    this.#journal.close();
  }

  /** The current instance, as the infrastructure knows it. */
  get #spec(): Instance | undefined {
    const { live } = this;
    return live?.instances.get(live.instance.instanceId)?.spec;
  }

  /** Changes nothing about a machine that runs. */
  async #bringUp(spec: Instance, machine: string): Promise<void> {
    const { signal } = new AbortController();
    if ((await this.#infrastructure.observe(spec, signal)).machines[machine]?.state === "running") return;
    await this.#infrastructure.prepare(spec, signal, () => {});
    await this.#infrastructure.createMachine(spec, machine, signal);
    await this.#infrastructure.startMachine(spec, machine, signal);
  }

  #rowOf(instance: IncidentInstance): InstanceRow {
    return {
      ...asStarted(this.workspaceId, instance),
      environment: withoutPrograms(instance.environment),
      infrastructure: this.#infrastructure.name,
      createdAt: this.clock.now(),
    };
  }

  #newActors(): WorkspaceActors {
    const gate = this.#gate;
    return new WorkspaceActors({
      journal: this.#journal,
      infrastructures: new Map([[this.#infrastructure.name, this.#infrastructure]]),
      concurrentStarts: Number.POSITIVE_INFINITY,
      clock: this.clock,
      logger: silentLogger(),
      metrics: createMetrics(),
      published: (events) => void this.events.push(...events),
      adapt: (logic) => gatedLogic(logic, gate),
    });
  }
}

/** What a machine without a command does: it runs until it is told otherwise. */
const silent: SimulatedProgram = (process) => process.forever();

/** When machines ended is in the record, and not what they are. */
function withoutPrograms(environment: Environment): Environment {
  const machines = Object.entries(environment.machines).map(([name, spec]) => [name, { ...spec, command: null }]);
  return { ...environment, machines: Object.fromEntries(machines) };
}
