/** The four charts, and ways to walk them. */
import type { AnyStateMachine, AnyStateNode } from "xstate";
import { installerLogic } from "../../machines/installer.ts";
import { machineLogic } from "../../machines/machine.ts";
import { serverLogic } from "../../machines/server.ts";
import { workspaceLogic } from "../../machines/workspace.ts";

export const charts: readonly AnyStateMachine[] = [workspaceLogic, machineLogic, installerLogic, serverLogic];
