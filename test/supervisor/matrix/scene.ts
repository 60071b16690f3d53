import type { Source } from "../../../machines/port.ts";
import type {
  SimulatedInfrastructureOptions,
  SimulatedMachineView,
} from "../../../src/infrastructure/simulated/index.ts";
import { sourceKey, type TroupeEvent, type WorkspaceView } from "../../../src/model/workspace.ts";
import { Laboratory } from "../../../src/testing/laboratory.ts";
import { workspaceOf } from "../../../src/testing/workspace-of.ts";
import type { Gate, Hold } from "./gate.ts";
import { ImpatientClock } from "./impatient-clock.ts";
import { StagedPlace } from "./staged-place.ts";

/** What a scene has instead of what most have. */
export interface SceneSketch {
  readonly onFailure?: string;
  /** Machines that crash are not started again. */
  readonly isTemporary?: boolean;
  readonly concurrentStarts?: number;
  /** Of the installer `tools`. */
  readonly timeoutMs?: number;
  /** The installer `tools` brings the server `sock`. */
  readonly hasSock?: boolean;
  readonly execs?: SimulatedInfrastructureOptions["execs"];
}

/** A laboratory with the workspace `w`, in which anything can be held up: machine `web` comes after `db`, and has installers and a server. */
export class Scene {
  readonly place: StagedPlace;
  readonly clock: ImpatientClock;
  readonly laboratory: Laboratory;

  private constructor(place: StagedPlace, clock: ImpatientClock, laboratory: Laboratory) {
    this.place = place;
    this.clock = clock;
    this.laboratory = laboratory;
  }

  static async open(sketch: SceneSketch): Promise<Scene> {
    const place = new StagedPlace();
    const clock = new ImpatientClock(1_000_000);
    const laboratory = await Laboratory.open({
      clock,
      wrap: { infrastructure: (infrastructure) => place.wrap(infrastructure) },
      limits: { concurrentStarts: sketch.concurrentStarts ?? 10 },
      ...(sketch.execs === undefined ? {} : { execs: sketch.execs }),
    });
    laboratory.supervisor.create(configOf(sketch));
    return new Scene(place, clock, laboratory);
  }

  get view(): WorkspaceView {
    return this.laboratory.view("w");
  }

  get instanceId(): string {
    return this.view.instanceId ?? "";
  }

  start(): void {
    this.laboratory.supervisor.start("w");
  }

  stop(force = false): void {
    this.laboratory.supervisor.stop("w", { force });
  }

  hold(hold: Hold): Gate {
    return this.place.hold(hold);
  }

  async reach(source: Source, state: string): Promise<void> {
    await this.clock.runUntil(() => this.stateOf(source) === state, 600_000);
  }

  /** Started, and all is well. */
  async run(): Promise<void> {
    this.start();
    await this.reach({ kind: "workspace" }, "running.steady");
  }

  stateOf(source: Source): string {
    const { view } = this;
    if (source.kind === "workspace") return view.state;
    const machine = view.machines[source.machine];
    if (source.kind === "machine") return machine?.state ?? "";
    return (source.kind === "installer" ? machine?.installers : machine?.servers)?.[source.name]?.state ?? "";
  }

  /** The machines that there are of the workspace's instance, by name. */
  get machines(): Readonly<Record<string, SimulatedMachineView>> {
    const { instances } = this.laboratory.infrastructure.world();
    return instances.find(({ instanceId }) => instanceId === this.instanceId)?.machines ?? {};
  }

  /** What an actor did after a position. */
  eventsOf(source: Source, after: number): readonly TroupeEvent[] {
    const events = this.laboratory.supervisor.events("w", { after, limit: 1_000 });
    return events.filter((event) => sourceKey(event.source) === sourceKey(source));
  }

  get position(): number {
    return this.laboratory.supervisor.events("w", { limit: 1_000 }).at(-1)?.position ?? 0;
  }

  /** Nothing is held up, lost or silent any more. */
  relieve(): void {
    const { infrastructure } = this.laboratory;
    this.place.openAll();
    this.place.probeError = null;
    for (const { instanceId, machines } of infrastructure.world().instances) {
      for (const name of Object.keys(machines)) {
        infrastructure.back(instanceId, name);
        infrastructure.jam(instanceId, name, null);
        for (const server of ["sql", "http", "sock"]) infrastructure.serve(instanceId, name, server, true);
      }
    }
  }
}

function configOf({ onFailure = "stop-workspace", isTemporary = false, timeoutMs, hasSock }: SceneSketch): object {
  const restart = isTemporary ? { restart: { policy: "temporary" } } : {};
  const tools = {
    id: "tools",
    version: "1.0.0",
    script: "true",
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(hasSock ? { servers: { sock: { port: "auto", protocol: "tcp" } } } : {}),
  };
  return workspaceOf(
    "w",
    {
      db: { ...restart, servers: { sql: { port: "auto", protocol: "tcp" } } },
      web: {
        ...restart,
        dependsOn: { db: "healthy" },
        installers: [tools, { id: "agent", version: "1.0.0", script: "true", dependencies: ["tools"] }],
        servers: { http: { port: "auto", protocol: "http" } },
      },
    },
    { onFailure },
  );
}
