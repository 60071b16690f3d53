/**
 * What the user wrote, in the one form in which it is stored.
 *
 * The workspace file (one `environment`) and Che's `WorkspaceConfig` (`environments` and `defaultEnv`)
 * are both read into it by `src/environment/config-schema.ts`.
 */
import type { DependencyCondition } from "./environment.ts";

export interface WorkspaceConfig {
  readonly name: string;
  readonly description: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly defaultEnv: string;
  readonly environments: Readonly<Record<string, EnvironmentConfig>>;
  /** Che's, kept as they are. */
  readonly commands: readonly unknown[];
  /** Che's, kept as they are. */
  readonly projects: readonly unknown[];
}

export interface EnvironmentConfig {
  readonly recipe: RecipeConfig;
  readonly machines: Readonly<Record<string, MachineConfig>>;
  readonly onFailure?: "stop-workspace" | "one-for-one" | "one-for-all";
}

export interface RecipeConfig {
  readonly type: string;
  readonly contentType?: string;
  /** Text, or the object that the text would describe. */
  readonly content?: unknown;
  readonly location?: string;
}

export interface MachineConfig {
  /** Keys (`id` or `id:version`) of the registry, or whole installers. */
  readonly installers: readonly (string | InstallerDefinition)[];
  readonly servers: Readonly<Record<string, ServerConfig>>;
  readonly env: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
  readonly volumes: Readonly<Record<string, { readonly path?: string }>>;
  readonly dependsOn: Readonly<Record<string, DependencyCondition>>;
  readonly restart?: {
    readonly policy?: "permanent" | "transient" | "temporary";
    readonly maxRestarts?: number;
    readonly withinMs?: number;
    readonly backoffMs?: number;
  };
  readonly graceMs?: number;
}

export interface ServerConfig {
  /** `8080`, `"8080/tcp"` or `"auto"`. */
  readonly port: number | string;
  readonly protocol?: string;
  readonly path?: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly readiness?: ProbeConfig & { readonly budgetMs?: number };
  readonly liveness?: ProbeConfig & { readonly failureThreshold?: number };
}

export interface ProbeConfig {
  readonly type?: "tcp" | "http" | "none";
  readonly path?: string;
  /** `200`, `"200-399"`. */
  readonly expectedStatus?: number | string;
  readonly periodMs?: number;
  readonly timeoutMs?: number;
  readonly successThreshold?: number;
}

/** An installer as its author writes it. */
export interface InstallerDefinition {
  readonly id: string;
  /** Semantic version. */
  readonly version: string;
  readonly name?: string;
  readonly description?: string;
  /** Keys of installers that run before it. */
  readonly dependencies?: readonly string[];
  /** `environment`: variables for the machine (a map, or Che's `"A=1,B=2"`). */
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly script: string;
  readonly servers?: Readonly<Record<string, ServerConfig>>;
  readonly timeoutMs?: number;
}
