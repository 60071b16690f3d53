import type { Happening } from "./happening.ts";
import { installerSubject } from "./installer-subject.ts";
import { type InterruptionMatrix, interruptionMatrix } from "./interruption-matrix.ts";
import { machineSubject } from "./machine-subject.ts";
import { serverSubject } from "./server-subject.ts";
import type { MatrixSubject } from "./subject.ts";
import { workspaceSubject } from "./workspace-subject.ts";

/** The charts of workspaces, machines, installers and servers. */
export const lifecycleSubjects: readonly MatrixSubject<Happening>[] = [
  workspaceSubject,
  machineSubject,
  installerSubject,
  serverSubject,
];

/** The matrices of all lifecycles, or of one chart's. */
export function lifecycleMatrices(chart?: string): readonly InterruptionMatrix<Happening>[] {
  return lifecycleSubjects.filter((subject) => chart === undefined || subject.chart === chart).map(interruptionMatrix);
}
