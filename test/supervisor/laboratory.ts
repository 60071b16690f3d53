/** A supervisor on simulated machines and virtual time, whose process can be killed at any moment. */
import { type SimulatedInfrastructure, simulatedInfrastructure } from "../../src/infrastructure/simulated/index.ts";
import type { Journal } from "../../src/journal/spi.ts";
import { sqliteJournal } from "../../src/journal/sqlite.ts";
import type { WorkspaceView } from "../../src/model/workspace.ts";
import type { Clock, Limits, Supervisor } from "../../src/supervisor/api.ts";
import { createSupervisor } from "../../src/supervisor/supervisor.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

type Options = Omit<NonNullable<Parameters<typeof simulatedInfrastructure>[0]>, "clock"> & {
  readonly limits?: Partial<Limits>;
};

export class Laboratory {
  readonly clock = new VirtualClock(1_000_000);
  infrastructure: SimulatedInfrastructure;
  readonly journal: Journal;
  readonly #limits: Partial<Limits>;
  #process: { isAlive: boolean; supervisor: Supervisor } | undefined;

  private constructor({ limits = {}, ...options }: Options) {
    this.#limits = limits;
    this.infrastructure = simulatedInfrastructure({ ...options, clock: this.clock });
    this.journal = sqliteJournal({ file: ":memory:" });
  }

  static async open(options: Options = {}): Promise<Laboratory> {
    const laboratory = new Laboratory(options);
    await laboratory.boot();
    return laboratory;
  }

  get supervisor(): Supervisor {
    if (this.#process === undefined) throw new Error("No process runs");
    return this.#process.supervisor;
  }

  /** Starts a process: a supervisor over what is there. */
  async boot(): Promise<void> {
    const process = { isAlive: true };
    const supervisor = await createSupervisor({
      journal: mortal(process, this.journal),
      infrastructures: [this.infrastructure],
      clock: mortalClock(process, this.clock),
      limits: this.#limits,
    });
    this.#process = Object.assign(process, { supervisor });
  }

  /** `kill -9`: nothing that the process was about to do is done any more. */
  kill(): void {
    if (this.#process !== undefined) this.#process.isAlive = false;
    this.#process = undefined;
    this.infrastructure = this.infrastructure.reopen();
  }

  view(name: string): WorkspaceView {
    return this.supervisor.get(name);
  }

  /** Lets time pass until the workspace is as wanted. */
  async until(name: string, condition: (view: WorkspaceView) => boolean, limitMs = 3_600_000): Promise<WorkspaceView> {
    await this.clock.runUntil(() => condition(this.view(name)), limitMs);
    return this.view(name);
  }

  async untilStatus(name: string, status: WorkspaceView["status"]): Promise<WorkspaceView> {
    return this.until(name, (view) => view.status === status);
  }

  /** What exists of instances. Volumes stay. */
  get left(): readonly string[] {
    return this.infrastructure.world().instances.map(({ instanceId }) => instanceId);
  }
}

/** As the calls of a process that is killed: they go nowhere. */
function mortal(process: { readonly isAlive: boolean }, journal: Journal): Journal {
  return new Proxy(journal, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name === "close") return () => {};
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => (process.isAlive ? value(...args) : []);
    },
  });
}

function mortalClock(process: { readonly isAlive: boolean }, clock: VirtualClock): Clock {
  return {
    now: () => clock.now(),
    setTimeout: (callback, delayMs) => clock.setTimeout(() => process.isAlive && callback(), delayMs),
    clearTimeout: (handle) => clock.clearTimeout(handle),
  };
}

/** A config of the machines; a machine is its command, or more. */
export function workspace(name: string, machines: Readonly<Record<string, object>>, more: object = {}): object {
  const recipe: Record<string, object> = {};
  const configs: Record<string, object> = {};
  for (const [machine, { command, dependsOn, env, ...config }] of Object.entries(machines) as [string, Sketch][]) {
    recipe[machine] = {
      command: command ?? ["idle"],
      ...(dependsOn === undefined ? {} : { dependsOn }),
      ...(env === undefined ? {} : { env }),
    };
    configs[machine] = config;
  }
  return {
    name,
    environment: { recipe: { type: "process", content: { machines: recipe } }, machines: configs, ...more },
  };
}

interface Sketch {
  readonly command?: readonly string[] | string;
  readonly dependsOn?: object;
  readonly env?: object;
}
