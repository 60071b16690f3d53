import {
  type SimulatedInfrastructure,
  type SimulatedInfrastructureOptions,
  simulatedInfrastructure,
} from "../infrastructure/simulated/index.ts";
import type { Infrastructure } from "../infrastructure/spi.ts";
import type { Journal } from "../journal/spi.ts";
import type { WorkspaceView } from "../model/workspace.ts";
import type { Limits, Supervisor } from "../supervisor/api.ts";
import { createSupervisor } from "../supervisor/supervisor.ts";
import { type Logger, silentLogger } from "../telemetry/log.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import { memoryJournal } from "./memory-journal.ts";
import { type Doom, MortalProcess } from "./mortal-process.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface LaboratoryOptions extends Omit<SimulatedInfrastructureOptions, "clock"> {
  readonly limits?: Partial<Limits>;
  /** What outlives the processes. Default: one in memory. */
  readonly journal?: Journal;
  /** Default: one whose timers of the same time fire in the order in which they were set. */
  readonly clock?: VirtualClock;
  /** Default: silent. */
  readonly logger?: Logger;
  /** What each process is given instead of the journal and the infrastructure: to see what it does, or to spoil it. */
  readonly wrap?: {
    readonly journal?: (journal: Journal) => Journal;
    readonly infrastructure?: (infrastructure: Infrastructure) => Infrastructure;
  };
}

/** Most laboratories look at no figures, and making all of them takes longer than a short life. */
let figures: { readonly metrics: Metrics; readonly logger: Logger } | undefined;

/**
 * A supervisor on simulated machines and virtual time, whose process can be killed at any moment.
 *
 * @example
 * ```ts
 * const laboratory = await Laboratory.open();
 * laboratory.supervisor.create(workspaceOf("shop", { web: {} }));
 * laboratory.supervisor.start("shop");
 * laboratory.kill();
 * await laboratory.boot();
 * await laboratory.untilStatus("shop", "RUNNING");
 * ```
 */
export class Laboratory {
  readonly clock: VirtualClock;
  readonly journal: Journal;
  /** The place as the present process has it. */
  infrastructure: SimulatedInfrastructure;
  readonly #options: LaboratoryOptions;
  #life: MortalProcess | undefined;
  #diedAt: number | null = null;
  #supervisor: Supervisor | undefined;

  private constructor(options: LaboratoryOptions) {
    this.#options = options;
    this.clock = options.clock ?? new VirtualClock(1_000_000);
    this.infrastructure = simulatedInfrastructure({ ...options, clock: this.clock });
    this.journal = options.journal ?? memoryJournal();
  }

  /** With a first process. */
  static async open(options: LaboratoryOptions = {}): Promise<Laboratory> {
    const laboratory = new Laboratory(options);
    await laboratory.boot();
    return laboratory;
  }

  /** @throws {Error} if no process runs */
  get supervisor(): Supervisor {
    if (this.#supervisor === undefined || !this.isAlive) throw new Error("No process runs: boot one");
    return this.#supervisor;
  }

  /** Whether a process runs. One that is doomed may be found dead. */
  get isAlive(): boolean {
    return this.#life?.isAlive ?? false;
  }

  /** When the last process died; `null` while one runs. */
  get diedAt(): number | null {
    return this.#diedAt;
  }

  /** Starts a process: a supervisor over what is there. It takes the place of one that still runs, which is killed. */
  async boot(): Promise<void> {
    this.kill();
    const { limits, wrap } = this.#options;
    const { metrics, logger } = this.#figures();
    this.#diedAt = null;
    const life = new MortalProcess(() => {
      this.#diedAt = this.clock.now();
      life.clearTimers(this.clock);
      this.infrastructure = this.infrastructure.reopen();
    });
    this.#life = life;
    this.#supervisor = undefined;
    const journal = life.journal(wrap?.journal?.(this.journal) ?? this.journal);
    const infrastructure = wrap?.infrastructure?.(this.infrastructure) ?? this.infrastructure;
    this.#supervisor = await createSupervisor({
      journal,
      infrastructures: [infrastructure],
      clock: life.clock(this.clock),
      metrics,
      logger,
      ...(limits === undefined ? {} : { limits }),
    });
  }

  /** `kill -9`: nothing that the process was about to do is done any more. */
  kill(): void {
    this.#life?.kill();
  }

  /** `kill -9` at a later moment: before or after one of the next writes to the journal. `null` takes that back. */
  doom(doom: Doom | null): void {
    this.#life?.doom(doom);
  }

  view(key: string): WorkspaceView {
    return this.supervisor.get(key);
  }

  /** Lets time pass until the workspace is as wanted. @throws {Error} if it is not within `limitMs`, default an hour */
  async until(key: string, condition: (view: WorkspaceView) => boolean, limitMs = 3_600_000): Promise<WorkspaceView> {
    await this.clock.runUntil(() => condition(this.view(key)), limitMs);
    return this.view(key);
  }

  async untilStatus(key: string, status: WorkspaceView["status"]): Promise<WorkspaceView> {
    return this.until(key, (view) => view.status === status);
  }

  /** The instances of which anything exists. Volumes stay. */
  get left(): readonly string[] {
    return this.infrastructure.world().instances.map(({ instanceId }) => instanceId);
  }

  #figures(): { readonly metrics: Metrics; readonly logger: Logger } {
    figures ??= { metrics: createMetrics(), logger: silentLogger() };
    return { ...figures, logger: this.#options.logger ?? figures.logger };
  }
}
