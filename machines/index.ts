/** The statecharts, for tools and tests. The supervisor provides their ports. */
export type { Exit, Failure } from "./failure.ts";
export { type InstallerPlan, installerLogic } from "./installer.ts";
export { type MachineFound, type MachinePlan, machineLogic } from "./machine.ts";
export type { DeadlineInput, Source } from "./port.ts";
export type { RestartPolicy } from "./restart.ts";
export { type ServerPlan, serverLogic } from "./server.ts";
export { type Recovered, type Run, type WorkspacePlan, workspaceLogic } from "./workspace.ts";
