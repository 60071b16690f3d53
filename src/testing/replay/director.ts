import type { Exit, Failure } from "../../../machines/failure.ts";
import type { Incident, IncidentInstance } from "../../model/incident.ts";
import type { StopReason, TroupeEvent } from "../../model/workspace.ts";
import type { Comparison } from "./comparison.ts";
import type { Outcome } from "./gate.ts";
import type { Rehearsal } from "./rehearsal.ts";

/** Timers of a real clock fire some milliseconds late, and may fire one early: by so much a record may differ. */
export const TIMER_SLACK_MS = 50;

/** More probes in a row than any threshold asks for. */
const PROBES = 100;

/** Makes happen in a rehearsal what a record says has happened. */
export class Director {
  readonly #rehearsal: Rehearsal;
  readonly #incident: Incident;
  readonly #comparison: Comparison;
  readonly #started = new Set<string>();

  constructor(rehearsal: Rehearsal, incident: Incident, comparison: Comparison) {
    this.#rehearsal = rehearsal;
    this.#incident = incident;
    this.#comparison = comparison;
  }

  /** Passes to the time of the event and, unless it happens by itself, does what its cause names. */
  async bringAbout(event: TroupeEvent, index: number): Promise<void> {
    if (isRestart(event)) return this.#restart(event, index);
    const { clock } = this.#rehearsal;
    await clock.advanceAsync(Math.max(0, event.at - clock.now()));
    await this.#rehearsal.settle();
    if (this.#comparison.has(event)) return;
    this.#startWhatWaits(event, index);
    await this.#do(event, index);
    await this.#rehearsal.settle();
    if (this.#comparison.has(event) || !isByTime(event)) return;
    await clock.advanceAsync(TIMER_SLACK_MS);
    await this.#rehearsal.settle();
  }

  async #do(event: TroupeEvent, index: number): Promise<void> {
    const { cause, source, data } = event;
    const [, work, outcome] = /^(\w+) (done|failed)$/.exec(cause) ?? [];
    if (work === "probe") return this.#rehearsal.gate.probing(source)?.fail(errorIn(event));
    if (work !== undefined) {
      const how = outcome === "done" ? outputIn(event, work) : { error: errorIn(event) };
      return this.#rehearsal.gate.settle(source, work, how);
    }
    switch (cause) {
      case "workspace.start":
        return this.#start(event.instanceId);
      case "workspace.stop":
        return this.#rehearsal.stop(reasonIn(data), this.#isForced(event, index));
      case "machine.kill":
        return this.#rehearsal.stop(reasonIn(data), true); // only a second stop can have brought it
      case "watch.exited":
      case "watch.away":
      case "watch.back":
        return this.#tellOfMachine(event);
      case "probe.answered":
      case "probe.missed":
        return this.#tellOfServer(event, cause);
    }
  }

  #start(instanceId: string | null): void {
    const instance = this.#toStart(instanceId);
    if (instance !== undefined) this.#rehearsal.start(instance);
  }

  /** What a supervisor had done last it may not have written down: that an instance was begun, or a machine started. */
  async #restart({ instanceId, at }: TroupeEvent, index: number): Promise<void> {
    const instance = this.#toStart(instanceId);
    if (instance !== undefined) this.#rehearsal.intend(instance);
    await this.#rehearsal.restart(at, this.#foundRunning(index));
    await this.#rehearsal.settle();
  }

  /** Machines that were found running by the supervisor that began at `index`. */
  #foundRunning(index: number): readonly string[] {
    const { events } = this.#incident;
    const end = events.findIndex((event, later) => later > index && isRestart(event));
    return events.slice(index, end < 0 ? undefined : end).flatMap(({ source, from, to, cause }) => {
      const isFound = from === null && cause === "begun" && to.startsWith("running");
      return isFound && source.kind === "machine" ? [source.machine] : [];
    });
  }

  /** The instance, if it was not started yet. */
  #toStart(instanceId: string | null): IncidentInstance | undefined {
    const instance = this.#incident.instances.find((one) => one.instanceId === instanceId);
    if (instance === undefined || this.#started.has(instance.instanceId)) return undefined;
    this.#started.add(instance.instanceId);
    return instance;
  }

  /** Sees to it that the instance is there that the event is of, or that is to follow. */
  #startWhatWaits(event: TroupeEvent, index: number): void {
    const { live } = this.#rehearsal;
    if (live === undefined)
      this.#start(event.instanceId); // it waited for one that is not in the record
    else if (live.instance.desired === "stopped") this.#startNext(event, index);
  }

  /**
   * A start while another instance stops is no transition: it is known by when its instance was made. Of what happened in
   * the same millisecond a stop came first, since it would have taken the start back.
   */
  #startNext({ at }: TroupeEvent, index: number): void {
    const waiting = this.#incident.instances.find((one) => one.createdAt <= at && !this.#started.has(one.instanceId));
    if (waiting === undefined || this.#beginsByCommand(waiting)) return;
    const isStopped = this.#incident.events
      .slice(index)
      .some((event) => event.at === waiting.createdAt && /^(workspace\.stop|machine\.kill)$/.test(event.cause));
    if (!isStopped) this.#start(waiting.instanceId);
  }

  #beginsByCommand({ instanceId }: IncidentInstance): boolean {
    return this.#incident.events.find((event) => event.instanceId === instanceId)?.cause === "workspace.start";
  }

  /** Whether machines were killed before they were asked to end. */
  #isForced({ instanceId }: TroupeEvent, index: number): boolean {
    const told = this.#incident.events
      .slice(index)
      .find(({ instanceId: other, cause }) => other === instanceId && /^machine\.(stop|kill)$/.test(cause));
    return told?.cause === "machine.kill";
  }

  #tellOfMachine({ cause, source, instanceId, data, failure }: TroupeEvent): void {
    if (source.kind !== "machine" || instanceId === null) return;
    const { infrastructure } = this.#rehearsal;
    if (infrastructure.world().instances.every((one) => one.machines[source.machine]?.state !== "running")) return;
    const exit = (data["exit"] as Exit | null | undefined) ?? failure?.exit ?? { code: null };
    if (cause === "watch.exited") infrastructure.crash(instanceId, source.machine, exit);
    else if (cause === "watch.away") infrastructure.away(instanceId, source.machine, "as recorded");
    else infrastructure.back(instanceId, source.machine);
  }

  #tellOfServer(event: TroupeEvent, type: "probe.answered" | "probe.missed"): void {
    const message = event.data["lastProbe"];
    for (let probes = 0; probes < PROBES; probes += 1) {
      this.#rehearsal.gate.probing(event.source)?.tell(type, typeof message === "string" ? message : "as recorded");
      if (this.#rehearsal.live === undefined || this.#comparison.has(event)) return;
    }
  }
}

/** A workspace's chart begins anew where another supervisor takes it up. */
function isRestart({ source, cause }: TroupeEvent): boolean {
  return source.kind === "workspace" && cause === "begun";
}

function isByTime({ cause }: TroupeEvent): boolean {
  return cause === "deadline reached" || cause.startsWith("after ");
}

/** What work came to, where the record tells; otherwise it is really done. */
function outputIn({ to, failure }: TroupeEvent, work: string): Outcome {
  if (work === "runScript" && to === "failed" && failure !== null) {
    return { output: { exit: failure.exit, lastLines: failure.lastLines } };
  }
  return work === "destroy" && to !== "stopped" ? { output: { left: 1 } } : "done";
}

/** The failure of which the event tells, in the form in which work fails. */
function errorIn({ failure, cause }: TroupeEvent): Error {
  const told: Partial<Failure> = failure ?? { class: "infrastructure", code: "INFRASTRUCTURE_UNAVAILABLE" };
  return Object.assign(new Error(failure?.message ?? `It failed, as recorded: ${cause}`), {
    class: told.class,
    code: told.code,
    at: told.at,
    budgetMs: told.budgetMs,
    exit: told.exit,
    lastLines: told.lastLines,
  });
}

function reasonIn(data: TroupeEvent["data"]): StopReason {
  return (data["stopReason"] as StopReason | null | undefined) ?? { by: "user", message: "It was asked to stop" };
}
