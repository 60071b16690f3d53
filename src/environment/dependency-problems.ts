import type { Problem } from "../errors.ts";
import type { MachineSpec } from "../model/environment.ts";
import { suggestion } from "./closest.ts";
import { dependencyCycle } from "./dependency-cycle.ts";

/**
 * What would keep machines from ever starting: machines that nobody describes, cycles, the end of one that never ends.
 *
 * `described` are the names that may be depended on; `pathOf` says where a machine names a dependency.
 */
export function dependencyProblems(
  machines: Readonly<Record<string, MachineSpec>>,
  described: readonly string[],
  pathOf: (machine: string, dependency: string) => string,
): Problem[] {
  const problems: Problem[] = [];
  for (const [machine, { dependsOn }] of Object.entries(machines)) {
    for (const [dependency, condition] of Object.entries(dependsOn)) {
      const message = described.includes(dependency)
        ? condition === "completed" && machines[dependency]?.restart.restart === "permanent"
          ? `can never be completed: machine "${dependency}" is restarted always`
          : undefined
        : `is not a machine of the recipe${suggestion(dependency, described)}`;
      if (message !== undefined) problems.push({ path: pathOf(machine, dependency), message });
    }
  }
  const cycle = dependencyCycle(
    new Map(Object.entries(machines).map(([name, one]) => [name, Object.keys(one.dependsOn)])),
  );
  const [first, second] = cycle ?? [];
  if (cycle !== undefined && first !== undefined && second !== undefined) {
    problems.push({ path: pathOf(first, second), message: `the machines wait for each other: ${cycle.join(" → ")}` });
  }
  return problems;
}
