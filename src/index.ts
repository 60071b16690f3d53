/** The embedding API: everything that a program needs to run workspaces inside itself. */
export type { Exit, Failure } from "../machines/failure.ts";
export type { Source } from "../machines/port.ts";
export type { RestartPolicy } from "../machines/restart.ts";
export type { SubscribeOptions, Subscription } from "./channels/hub.ts";
export type { ChannelRecord, Cursor, StateRecord } from "./channels/records.ts";
export { defineWorkspace } from "./environment/define-workspace.ts";
export { parseConfig } from "./environment/parse-config.ts";
export {
  type ParsedRecipe,
  type RecipeContext,
  type RecipeFactory,
  type RecipeMachine,
  type RecipeRegistry,
  recipeRegistry,
} from "./environment/recipes.ts";
export { parseWorkspaceFile } from "./environment/workspace-file.ts";
export { type ErrorCode, errorCodes, type Problem, TroupeError, validationError } from "./errors.ts";
export type * from "./infrastructure/spi.ts";
export { loadInstallers } from "./installers/load-installers.ts";
export { type InstallerRegistry, installerRegistry } from "./installers/registry.ts";
export type { Journal, LeakRow, Page } from "./journal/spi.ts";
export type * from "./model/config.ts";
export type * from "./model/environment.ts";
export type { Incident, IncidentInstance, IncidentWorkspace } from "./model/incident.ts";
export type * from "./model/workspace.ts";
export type {
  Clock,
  Health,
  Limits,
  LogQuery,
  StartOptions,
  StopOptions,
  Supervisor,
  SupervisorOptions,
  WaitCondition,
  Why,
} from "./supervisor/api.ts";
export { createSupervisor } from "./supervisor/supervisor.ts";
export { createLogger, type Logger } from "./telemetry/log.ts";
export { createMetrics, type Metrics } from "./telemetry/metrics.ts";
