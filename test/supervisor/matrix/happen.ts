/** How each happening is brought about in the whole system. */
import { TroupeError } from "../../../src/errors.ts";
import { sourceKey } from "../../../src/model/workspace.ts";
import type { Happening } from "../../../src/testing/matrix/happening.ts";
import type { Case } from "./cases.ts";
import type { Gate } from "./gate.ts";
import type { Scene } from "./scene.ts";
import type { Way } from "./ways.ts";

/** Longer than three probes of a server that was ready take. */
const PROBES_MS = 35_000;

const lost = new TroupeError("INFRASTRUCTURE_UNAVAILABLE", "Cannot reach the infrastructure");
const broken = new TroupeError("MACHINE_FAILED", "Cannot do it");

/**
 * Lets it happen to the source of `way`, whose own work `gate` holds up. Whatever has to happen before, {@link prepare} has done.
 *
 * Nothing else changes, and no time passes but what a pause or a probe takes.
 */
export async function happen(
  { happening, way: { source }, variant }: Pick<Case, "happening" | "way" | "variant">,
  scene: Scene,
  gate: Gate | null,
): Promise<void> {
  const { laboratory, place, clock } = scene;
  switch (happening) {
    case "stop":
      return scene.stop();
    case "force-stop":
      return scene.stop(true);
    case "start again":
      return scene.start();
    case "machine crash": {
      const machine = variant.victim ?? victim(scene, source);
      if (machine === undefined) return;
      laboratory.infrastructure.crash(scene.instanceId, machine);
      if (scene.stateOf({ kind: "machine", machine }).endsWith(".lost")) place.tellExit(machine, clock.now());
      return;
    }
    case "infrastructure lost": {
      if (gate !== null) return gate.fail(lost);
      const machine = victim(scene, source);
      if (machine !== undefined) laboratory.infrastructure.away(scene.instanceId, machine, "unplugged");
      return source.kind === "server" ? clock.advanceAsync(PROBES_MS) : undefined;
    }
    case "infrastructure error":
      if (gate !== null) return gate.fail(broken);
      if (source.kind === "machine") return place.failWatches(source.machine, broken);
      place.probeError = broken;
      return clock.advanceAsync(source.kind === "server" ? PROBES_MS : 1_500);
    case "deadline reached": {
      const own = laboratory.journal
        .deadlines(scene.instanceId)
        .filter((deadline) => sourceKey(deadline.source) === sourceKey(source));
      // What is not set was kept of a state before. Without any it is a pause, and that passes by itself.
      if (!variant.isInTime) own.some(({ at }) => clock.hasten(at));
      return;
    }
    case "supervisor crash":
      laboratory.kill();
      return laboratory.boot();
    case "stale report":
      return place.tellStale(clock.now());
    case "duplicate report":
      return place.repeatReports();
  }
}

/** What must have happened before the scene is brought into the state: for stale reports, an instance whose watches have ended. */
export async function prepare(happening: Happening, scene: Scene): Promise<void> {
  if (happening !== "stale report") return;
  scene.start();
  await scene.clock.advanceAsync(500); // whatever becomes of it, its machines have run by then
  scene.stop();
  await scene.reach({ kind: "workspace" }, "stopped");
}

/** The machine that it happens to: the source's own, or one that runs within sight. */
function victim(scene: Scene, source: Way["source"]): string | undefined {
  const { machines, view } = scene;
  const runs = (name: string): boolean => machines[name]?.state === "running";
  if (source.kind !== "workspace") return runs(source.machine) ? source.machine : undefined;
  return ["web", "db"].find((name) => runs(name) && !view.machines[name]?.state.endsWith(".lost"));
}
