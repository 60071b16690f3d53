import { isDeepStrictEqual } from "node:util";
import type { InstanceRef, Observation, ObservedMachine } from "../../infrastructure/spi.ts";
import { BRIEF_CODE, type InstanceName, type MachineName, machineNames } from "./cast.ts";
import type { Checks } from "./checks.ts";
import type { Clause } from "./clauses.ts";
import type { InstanceModel } from "./instance-model.ts";
import type { MachineModel, MachineState } from "./machine-model.ts";

/** Which clause is broken if the instance (`null`), or a machine of it, is otherwise. */
export type Blame = (machine: MachineName | null) => Clause;

/** Holds what `observe()` shows of an instance against what must be, and tells the model. */
export function inspect(
  name: InstanceName,
  model: InstanceModel,
  { exists, machines }: Observation,
  blame: Blame,
  checks: Checks,
): void {
  if (model.isUnclear) return;
  const shows = `observe(${name}) shows`;
  const mayExist = exists ? model.exists !== "no" : model.exists !== "yes";
  checks.expect(blame(null), mayExist, () => `${shows} ${exists ? "that it exists" : "nothing"}`);
  model.see(exists);

  const strangers = Object.keys(machines).filter((machine) => !machineNames.some((known) => known === machine));
  checks.expect("observes", strangers.length === 0, () => `${shows} machines nobody made: ${strangers.join(", ")}`);
  for (const machine of machineNames) {
    inspectMachine(shows, model.machines[machine], machines[machine], blame(machine), checks);
  }
}

/** Holds what `identities()` lists against what must be; `blamed` is the clause that is broken otherwise. */
export function inspectIdentities(
  { name, ref, model }: { readonly name: InstanceName; readonly ref: InstanceRef; readonly model: InstanceModel },
  identities: readonly InstanceRef[],
  blamed: Clause,
  checks: Checks,
): void {
  if (model.isUnclear || model.exists === "maybe") return;
  const found = identities.filter(({ instanceId }) => instanceId === ref.instanceId);
  const isAsItMust = found.length === (model.exists === "yes" ? 1 : 0);
  checks.expect(blamed, isAsItMust, () => `identities() lists ${name} ${found.length} times`);
  const isKnown = found.every(({ workspaceId }) => workspaceId === ref.workspaceId);
  checks.expect("observes", isKnown, () => `identities() lists ${name} as of workspace ${found[0]?.workspaceId}`);
}

function inspectMachine(
  shows: string,
  model: MachineModel,
  observed: ObservedMachine | undefined,
  blame: Clause,
  checks: Checks,
): void {
  const state: MachineState = observed?.state ?? "absent";
  checks.expect(blame, model.possible.has(state), () => {
    return `${shows} machine ${model.name} as ${state}, not as ${[...model.possible].join(" or ")}`;
  });
  model.see(state);
  if (observed === undefined) return;

  const { started, exit } = observed;
  checks.expect("observes", (started !== null) === (state === "running"), () => {
    return `${shows} machine ${model.name} as ${state} and ${started === null ? "not " : ""}what it was started with`;
  });
  checks.expect("observes", (exit !== null) === (state === "exited"), () => {
    return `${shows} machine ${model.name} as ${state} and ${exit === null ? "no" : "an"} exit`;
  });
  if (started !== null) {
    model.life.started ??= started;
    checks.expect(blame, isDeepStrictEqual(started, model.life.started), () => {
      return `${shows} machine ${model.name} started with ${JSON.stringify(started)}, not ${JSON.stringify(model.life.started)}`;
    });
  }
  if (exit !== null && model.name === "brief" && !model.life.wasStopped) {
    checks.expect("observes", exit.code === BRIEF_CODE, () => {
      return `${shows} machine brief ended with code ${exit.code}, not ${BRIEF_CODE}`;
    });
  }
}
