import PQueue from "p-queue";
import type { Infrastructure, InstanceRef, Leak } from "../infrastructure/spi.ts";
import type { Journal, LeakRow } from "../journal/spi.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Clock } from "./api.ts";
import { within } from "./within.ts";

/** Between two attempts: what hangs in a kernel or an engine takes its time, and nobody waits for it. */
const EVERY_MS = 15_000;

/** One attempt may take this long. */
const ATTEMPT_MS = 30_000;

/**
 * Between two looks for instances that nobody knows: those of a journal that was lost, and what an operation that
 * was let go of made after its instance had ended. Rare, and in nobody's way.
 */
const SWEEP_EVERY_MS = 60_000;

/** What could not be removed, tried again until it is, and what should not be there, removed. It survives the supervisor. */
export class LeakLedger {
  readonly #journal: Journal;
  readonly #infrastructures: ReadonlyMap<string, Infrastructure>;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #isLive: (instanceId: string) => boolean;
  readonly #queue = new PQueue({ concurrency: 2 });
  readonly #closing = new AbortController();
  /** Instances with an attempt that waits or is under way, and whether another is asked for meanwhile. */
  readonly #attempting = new Map<string, boolean>();
  #timer: unknown;
  #sweep: unknown;

  constructor(context: {
    readonly journal: Journal;
    readonly infrastructures: ReadonlyMap<string, Infrastructure>;
    readonly clock: Clock;
    readonly logger: Logger;
    /** Of a live instance the chart itself removes what is left. */
    isLive(instanceId: string): boolean;
  }) {
    this.#journal = context.journal;
    this.#infrastructures = context.infrastructures;
    this.#clock = context.clock;
    this.#logger = context.logger;
    this.#isLive = context.isLive;
  }

  get rows(): readonly LeakRow[] {
    return this.#journal.leaks();
  }

  record(ref: InstanceRef, infrastructure: string, leaks: readonly Leak[]): void {
    this.#journal.recordLeaks(ref, infrastructure, leaks, this.#clock.now());
    if (leaks.length > 0) this.#later();
  }

  /** Destroys what is left of an instance, now; if that is being done, once more after it. */
  destroy(ref: InstanceRef, infrastructure: string): void {
    const { instanceId } = ref;
    if (this.#attempting.has(instanceId)) {
      this.#attempting.set(instanceId, true);
      return;
    }
    this.#attempting.set(instanceId, false);
    void this.#queue.add(async () => {
      await this.#attempt(ref, infrastructure);
      const isAskedAgain = this.#attempting.get(instanceId);
      this.#attempting.delete(instanceId);
      if (isAskedAgain) this.destroy(ref, infrastructure);
    }); // owned by the queue; an attempt never rejects
  }

  /** Tries once more, now, what instances of a workspace left that have ended. Settles when it has been tried; never rejects. */
  async clear(workspaceId: string): Promise<void> {
    const left = this.rows.filter((row) => row.workspaceId === workspaceId && !this.#isLive(row.instanceId));
    const refs = new Map(left.map((row) => [row.instanceId, row]));
    await Promise.all([...refs.values()].map((row) => this.#attempt(row, row.infrastructure)));
  }

  /** Begins to try again what an earlier supervisor left, and to look for what nobody knows. */
  open(): void {
    if (this.rows.length > 0) this.#retry();
    this.#sweepAll();
  }

  async close(): Promise<void> {
    this.#clock.clearTimeout(this.#timer);
    this.#clock.clearTimeout(this.#sweep);
    this.#closing.abort();
    this.#queue.clear();
    await this.#queue.onIdle();
  }

  #later(): void {
    this.#timer ??= this.#clock.setTimeout(() => this.#retry(), EVERY_MS);
  }

  #retry(): void {
    this.#timer = undefined;
    const refs = new Map(this.rows.map((row) => [row.instanceId, row]));
    for (const row of refs.values()) if (this.#isForgotten(row)) this.destroy(row, row.infrastructure);
    if (refs.size > 0) this.#later();
  }

  /** Whether nobody is at it. */
  #isForgotten({ instanceId }: InstanceRef): boolean {
    return !this.#isLive(instanceId) && !this.#attempting.has(instanceId);
  }

  #sweepAll(): void {
    for (const infrastructure of this.#infrastructures.values()) {
      void this.#queue.add(() => this.#removeOrphans(infrastructure)); // owned by the queue; never rejects
    }
    this.#sweep = this.#clock.setTimeout(() => this.#sweepAll(), SWEEP_EVERY_MS);
  }

  async #removeOrphans(infrastructure: Infrastructure): Promise<void> {
    try {
      const refs = await this.#attemptTo((signal) => infrastructure.identities(signal));
      for (const ref of refs) {
        if (!this.#isForgotten(ref)) continue;
        this.#logger.warn({ ...ref, infrastructure: infrastructure.name }, "removing an instance that nobody knows");
        this.destroy(ref, infrastructure.name);
      }
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#logger.warn(
        { err: error, infrastructure: infrastructure.name },
        "cannot look for instances that nobody knows",
      );
    }
  }

  async #attempt({ workspaceId, instanceId }: InstanceRef, name: string): Promise<void> {
    const ref = { workspaceId, instanceId };
    const infrastructure = this.#infrastructures.get(name);
    if (infrastructure === undefined || this.#closing.signal.aborted) return;
    try {
      this.record(ref, name, await this.#attemptTo((signal) => infrastructure.destroy(ref, signal)));
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.warn({ err: error, instanceId }, "cannot remove what is left of an instance; trying again");
      this.record(ref, name, [{ kind: "instance", id: instanceId, reason }]);
    }
  }

  #attemptTo<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return within(ATTEMPT_MS, this.#clock, this.#closing.signal, work);
  }
}
