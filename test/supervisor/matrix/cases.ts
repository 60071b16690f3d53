import type { Answer } from "../../../src/testing/matrix/answer.ts";
import { type Happening, happenings } from "../../../src/testing/matrix/happening.ts";
import type { MatrixRow } from "../../../src/testing/matrix/interruption-matrix.ts";
import type { Scene, SceneSketch } from "./scene.ts";
import { rowOf, type Way, ways } from "./ways.ts";

/** How a happening comes about, where it may in several ways. */
export interface Variant {
  readonly note: string;
  readonly sketch?: SceneSketch;
  /** What comes right before it. */
  readonly before?: (scene: Scene) => void | Promise<void>;
  /** The machine that it happens to; default: the source's own, or the first that runs. */
  readonly victim?: string;
  /** A budget is used up because time passes. Default: the state's own is used up at once, and no other. */
  readonly isInTime?: boolean;
}

/** One happening in one state, with all that the chart may do about it. */
export interface Case {
  readonly name: string;
  /** `machine starting.image × stop`. */
  readonly cell: string;
  readonly way: Way;
  readonly happening: Happening;
  readonly variant: Variant;
  readonly answers: readonly Answer[];
}

/** Everything that is possible, in every state, in every way that leads to another answer. */
export function casesOf(rows: ReadonlyMap<string, MatrixRow<Happening>["cells"]>): Case[] {
  return ways.flatMap((way) =>
    happenings.flatMap((happening) => {
      const answers = rows.get(rowOf(way))?.[happening] ?? [];
      if (answers.every(({ kind }) => kind === "impossible")) return [];
      return variantsOf(way, happening).map((variant): Case => {
        const cell = `${rowOf(way)} × ${happening}`;
        const notes = [way.note ?? "", variant.note].filter((note) => note !== "");
        return { name: [cell, ...notes].join(", "), cell, way, happening, variant, answers };
      });
    }),
  );
}

function variantsOf(way: Way, happening: Happening): readonly Variant[] {
  const plain: Variant = { note: "" };
  switch (happening) {
    case "machine crash":
      return [plain, ...crashesOf(way)];
    case "supervisor crash":
      return [plain, ...meanwhile(way)];
    case "deadline reached":
      return [plain, ...deadlinesOf(way), ...toCome(way)];
    case "stop":
    case "force-stop":
      return [plain, ...toCome(way)];
    default:
      return [plain];
  }
}

/** A crash that is not answered by a restart, under every strategy; and one of a machine that had been ready while others are not. */
function crashesOf({ source, state, sketch: special }: Way): readonly Variant[] {
  const isUp = /^(running|starting\.(launching|initializing))/.test(state) && special === undefined;
  if (!isUp || (source.kind !== "workspace" && source.kind !== "machine")) return [];
  if (source.kind === "machine") return [{ note: "for good", sketch: { isTemporary: true } }];
  const forGood = ["stop-workspace", "one-for-one", "one-for-all"].map((onFailure) => ({
    note: `for good, ${onFailure}`,
    sketch: { onFailure, isTemporary: true },
  }));
  if (state !== "running.interrupted") return [...forGood, { note: "of the other machine", victim: "db" }];
  const sketch = { onFailure: "one-for-one", isTemporary: true };
  return [...forGood, { note: "for good, of the lost machine", victim: "web", sketch }];
}

/** What becomes of a machine while nobody looks. */
function meanwhile({ source, state }: Way): readonly Variant[] {
  if (source.kind !== "machine" || !state.startsWith("running")) return [];
  return [
    {
      note: "its command ends meanwhile",
      before: (scene) => {
        const { instanceId } = scene;
        scene.laboratory.kill();
        scene.laboratory.infrastructure.crash(instanceId, "web");
      },
    },
    {
      note: "somebody removes it meanwhile",
      before: async (scene) => {
        const { id: workspaceId, instanceId } = scene.view;
        const ref = { workspaceId, instanceId: instanceId ?? "" };
        scene.laboratory.kill();
        scene.laboratory.infrastructure.back(ref.instanceId, "web");
        await scene.laboratory.infrastructure.removeMachine(ref, "web", new AbortController().signal);
      },
    },
  ];
}

function deadlinesOf({ state }: Way): readonly Variant[] {
  if (state === "active.awaitingServers") return [{ note: "in time", isInTime: true }];
  if (state.endsWith("ready & connection.lost")) return [{ note: "for good", sketch: { isTemporary: true } }];
  return [];
}

function toCome({ source, state }: Way): readonly Variant[] {
  if (source.kind !== "workspace" || !state.startsWith("stopping")) return [];
  return [{ note: "with a start to come", before: (scene) => scene.start() }];
}
