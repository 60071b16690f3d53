/** What property tests draw from. Needs fast-check, and is therefore apart from the rest of `troupe/testing`. */
import fc from "fast-check";
import type { Fault, Operation } from "../infrastructure/simulated/index.ts";
import type { DependencyCondition, Environment } from "../model/environment.ts";
import { environmentOf, type MachineSketch } from "./environment-of.ts";

const machineNames = ["db", "cache", "job", "web"] as const;

const commands = fc.constantFrom(
  ["idle"],
  ["stubborn"],
  ["count", "5", "100"],
  ["exit", "0", "200"],
  ["exit", "1", "0"],
  ["exit", "3", "5000"],
);

const machines: fc.Arbitrary<MachineSketch> = fc.record({
  command: commands,
  servers: fc.dictionary(fc.constantFrom("http", "metrics"), fc.constant({}), { maxKeys: 2, noNullPrototype: true }),
  installers: fc.uniqueArray(fc.record({ id: fc.constantFrom("ssh", "editor", "agent") }), {
    maxLength: 2,
    selector: ({ id }) => id,
  }),
  volumes: fc.constantFrom({}, { data: { path: null } }),
  restart: fc.record({ restart: fc.constantFrom("permanent", "transient", "temporary") }),
  graceMs: fc.constantFrom(0, 100, 10_000),
});

/** Environments of one to four machines whose dependencies form no cycle; the simulated infrastructure has their programs. */
export const environments: fc.Arbitrary<Environment> = fc
  .record({
    machines: fc.array(machines, { minLength: 1, maxLength: machineNames.length }),
    /** One for each pair of machines that there may be. */
    conditions: fc.array(fc.constantFrom(undefined, undefined, "started", "healthy", "completed"), {
      minLength: 6,
      maxLength: 6,
    }),
    onFailure: fc.constantFrom("stop-workspace", "one-for-one", "one-for-all"),
  })
  .map(({ machines, conditions, onFailure }) =>
    environmentOf({
      strategy: { onFailure },
      machines: Object.fromEntries(
        machines.map((machine, index) => [
          machineNames[index],
          { ...machine, dependsOn: dependenciesOf(index, machines, conditions) },
        ]),
      ),
    }),
  );

/** One way in which an operation on an instance goes wrong. None lasts for ever, so that what goes on comes to an end. */
export const faults: fc.Arbitrary<Fault> = fc
  .record(
    {
      operation: fc.constantFrom<Operation>(
        "prepare",
        "fetchImage",
        "createMachine",
        "startMachine",
        "stopMachine",
        "removeMachine",
        "exec",
        "observe",
        "destroy",
      ),
      machine: fc.constantFrom(...machineNames),
      times: fc.integer({ min: 1, max: 3 }),
      delayMs: fc.constantFrom(0, 1, 1_000, 1_000_000),
      error: fc.constant(new Error("Injected")),
      afterEffect: fc.boolean(),
      onAbort: fc.constantFrom("stop", "late", "deaf"),
    },
    { requiredKeys: ["operation"] },
  )
  .map(({ machine, ...fault }) =>
    machine === undefined || isAboutInstance(fault.operation) ? fault : { ...fault, machine },
  );

/** On machines that come before it, so that there is no cycle. */
function dependenciesOf(
  index: number,
  machines: readonly MachineSketch[],
  conditions: readonly (DependencyCondition | undefined)[],
): Record<string, DependencyCondition> {
  const dependsOn: Record<string, DependencyCondition> = {};
  for (const [earlier, name] of machineNames.slice(0, index).entries()) {
    const condition = conditions[(index * (index - 1)) / 2 + earlier];
    const isPermanent = machines[earlier]?.restart?.restart === "permanent";
    // Whoever waits for a machine that is always started again to be completed waits for ever.
    if (condition !== undefined) dependsOn[name] = condition === "completed" && isPermanent ? "started" : condition;
  }
  return dependsOn;
}

function isAboutInstance(operation: Operation): boolean {
  return ["prepare", "observe", "destroy"].includes(operation);
}
