import { type Problem, TroupeError } from "../errors.ts";
import type { WorkspaceConfig } from "../model/config.ts";
import type { Warning } from "../model/environment.ts";
import { type ConfigShape, invalidConfig, readConfig, shapeOf } from "./parse-config.ts";
import { type ResolveOptions, resolveEnvironment } from "./resolve-environment.ts";
import { withoutFaults } from "./without-faults.ts";

export interface ValidWorkspace {
  readonly config: WorkspaceConfig;
  readonly warnings: readonly Warning[];
}

/**
 * Judges a config whole: its form, and every environment with its recipe, installers and dependencies.
 *
 * Where the form is wrong in places, the rest is judged all the same, so that one round of mending is enough.
 *
 * @throws {TroupeError} `CONFIG_INVALID` with every problem, each with its path in the shape that was given.
 */
export function validateWorkspace(input: unknown, options: Omit<ResolveOptions, "shape">): ValidWorkspace {
  const { config, problems, data, findings } = readConfig(input);
  const judged = config ?? withoutFaults(data, findings);
  const judgement = judged === undefined ? NOTHING : judge(judged, { ...options, shape: shapeOf(data) });
  if (config === undefined || judgement.problems.length > 0) {
    throw invalidConfig(data, [...problems, ...judgement.problems]);
  }
  return { config, warnings: judgement.warnings };
}

interface Judgement {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
}

const NOTHING: Judgement = { problems: [], warnings: [] };

function judge(config: WorkspaceConfig, options: ResolveOptions & { readonly shape: ConfigShape }): Judgement {
  const judgements = Object.keys(config.environments).map((name): Judgement => {
    try {
      return { problems: [], warnings: resolveEnvironment(config, name, options).warnings };
    } catch (error) {
      if (error instanceof TroupeError && error.code === "CONFIG_INVALID")
        return { problems: error.problems, warnings: [] };
      throw error;
    }
  });
  return {
    problems: judgements.flatMap(({ problems }) => problems),
    warnings: judgements.flatMap(({ warnings }) => warnings),
  };
}
