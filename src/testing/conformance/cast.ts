/** Who plays in the explored sequences: instances, their machines, and the processes in those. */

import type { Environment } from "../../model/environment.ts";
import type { ContractPrograms } from "../contract/programs.ts";
import { environmentOf } from "../environment-of.ts";

export const instanceNames = ["A", "B", "C"] as const;
export type InstanceName = (typeof instanceNames)[number];

/** A and C are instances of the same workspace. */
export const workspaceOf = { A: "first", B: "second", C: "first" } as const satisfies Record<InstanceName, string>;
export type WorkspaceName = (typeof workspaceOf)[InstanceName];

export const machineNames = ["counter", "stubborn", "brief"] as const;
export type MachineName = (typeof machineNames)[number];

export const execIds = ["quick", "slow", "forever", "show", "keep", "kept"] as const;
export type ExecId = (typeof execIds)[number];

/** What one run of a machine's command writes. */
export const linesOfRun = {
  counter: ["1", "2", "3", "4", "5"],
  stubborn: ["ready"],
  brief: ["begun"],
} as const satisfies Record<MachineName, readonly string[]>;

/** What `brief` ends with by itself. */
export const BRIEF_CODE = 3;

export const VOLUME = "data";
export const NOTHING_KEPT = "nothing";

/** The file that `put` brings, and what is in it. */
export const NOTE = { path: "notes/note", text: "noted" } as const;

export function keptBy(workspace: WorkspaceName): string {
  return `kept by the ${workspace}`;
}

export function environment(programs: ContractPrograms, recipeType: string): Environment {
  const volumes = { [VOLUME]: { path: null } };
  return environmentOf({
    recipeType,
    machines: {
      counter: { command: programs.count(linesOfRun.counter.length, 2), servers: { http: {} }, volumes },
      stubborn: { command: programs.stubborn, volumes },
      brief: { command: programs.exit(BRIEF_CODE, 5), volumes },
    },
  });
}

export interface ExecRole {
  readonly command: readonly string[];
  readonly code: number;
  /** The first line that it writes; `null` where that depends. */
  readonly says: string | null;
}

export function execRole(programs: ContractPrograms, id: ExecId, workspace: WorkspaceName): ExecRole {
  switch (id) {
    case "quick":
      return { command: programs.exit(0, 0), code: 0, says: "begun" };
    case "slow":
      return { command: programs.exit(5, 40), code: 5, says: "begun" };
    case "forever":
      return { command: programs.stubborn, code: 0, says: "ready" };
    case "show":
      return { command: programs.show(NOTE.path), code: 0, says: NOTE.text };
    case "keep":
      return { command: programs.keep(VOLUME, keptBy(workspace)), code: 0, says: null };
    case "kept":
      return { command: programs.kept(VOLUME), code: 0, says: null };
  }
}
