/** A machine of {@link workspaceOf}: what its config says, and what its recipe does. */
export interface MachineConfigSketch {
  /** Default: a program that runs until it is asked to end. */
  readonly command?: readonly string[] | string;
  readonly dependsOn?: object;
  readonly env?: object;
  /** `installers`, `servers`, `restart`, …: as users write them. */
  readonly [field: string]: unknown;
}

/**
 * A workspace's config of which only what matters is said, for the simulated infrastructure.
 *
 * @param more what stands beside the machines in its environment, such as `onFailure`
 * @example supervisor.create(workspaceOf("shop", { db: {}, web: { dependsOn: { db: "healthy" } } }))
 */
export function workspaceOf(
  name: string,
  machines: Readonly<Record<string, MachineConfigSketch>>,
  more: Readonly<Record<string, unknown>> = {},
): object {
  const recipe: Record<string, object> = {};
  const configs: Record<string, object> = {};
  for (const [machine, { command, dependsOn, env, ...config }] of Object.entries(machines)) {
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
