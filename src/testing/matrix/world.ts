/** The workspace that the charts of the matrix are thought through with: as small as can be with all kinds of actors. */
import type { MachineContext } from "../../../machines/machine.ts";
import type { ActorRow, InstanceRow } from "../../journal/spi.ts";
import type { Environment } from "../../model/environment.ts";
import { planOf } from "../../supervisor/plan.ts";
import { environmentOf } from "../environment-of.ts";

/** `web` waits for `db` to be healthy, and has installers and a server. One restart is allowed. */
export function environmentWith(onFailure: Environment["strategy"]["onFailure"]): Environment {
  return environmentOf({
    strategy: { onFailure, maxRestarts: 1 },
    machines: {
      db: { restart: { maxRestarts: 1 } },
      web: {
        dependsOn: { db: "healthy" },
        installers: [{ id: "tools" }, { id: "agent", servers: ["http"] }],
        servers: { http: {} },
        restart: { maxRestarts: 1 },
      },
    },
  });
}

export const environment = environmentWith("stop-workspace");

/** @throws {Error} if there is no such machine */
export function machinePlanOf(name: string) {
  const plan = planOf(environment).machines[name];
  if (plan === undefined) throw new Error(`Cannot plan machine "${name}": the environment has none`);
  return plan;
}

export function instanceRowOf(environment: Environment, intent: Partial<InstanceRow>): InstanceRow {
  return {
    workspaceId: "ws-1",
    instanceId: "i-1",
    environment,
    infrastructure: "simulated",
    desired: "running",
    forced: false,
    priority: 0,
    createdAt: 0,
    readyAt: null,
    stoppedAt: null,
    stopReason: null,
    failure: null,
    warnings: [],
    lastOutput: [],
    ...intent,
  };
}

/** What the journal knows last of an actor in a snapshot. */
export function actorRowOf(
  { source, failure }: Pick<MachineContext, "source" | "failure">,
  state: string,
  status: string,
  data: ActorRow["data"],
): ActorRow {
  return { instanceId: "i-1", source, state, status, at: 0, deadlineAt: null, budgetMs: null, failure, data };
}
