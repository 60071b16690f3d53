import type { ActorRefFrom } from "xstate";
import type { workspaceLogic } from "../../machines/workspace.ts";
import type { LiveInstance } from "./live-instance.ts";
import { WorkspaceRecords } from "./workspace-records.ts";

/**
 * One workspace that has an actor, with its records as the journal has them.
 *
 * What it shows is changed by committed events alone, so nobody is told what a crash could take back.
 */
export class LiveWorkspace extends WorkspaceRecords {
  readonly root: ActorRefFrom<typeof workspaceLogic>;
  /** Of its instances that have not ended, by id. */
  readonly instances = new Map<string, LiveInstance>();

  constructor(root: ActorRefFrom<typeof workspaceLogic>, records: ConstructorParameters<typeof WorkspaceRecords>[0]) {
    super(records);
    this.root = root;
  }
}
