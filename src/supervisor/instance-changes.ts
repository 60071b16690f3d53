import type { InstanceRow } from "../journal/spi.ts";
import type { StopReason, TroupeEvent } from "../model/workspace.ts";

type Change = Pick<InstanceRow, "instanceId"> & Partial<InstanceRow>;
type Told = Pick<TroupeEvent, "source" | "from" | "to" | "status" | "at" | "failure" | "data">;

/** What a transition of a workspace's chart changes in the record of its instance. */
export function changesOf(transition: Told & { readonly instanceId: string }): readonly Change[] {
  const { instanceId, source, from, to, status, at, failure, data } = transition;
  if (source.kind !== "workspace") return [];
  const stopReason = (data["stopReason"] as StopReason | null | undefined) ?? null;
  if (to === "stopped") return [{ instanceId, desired: "stopped", stoppedAt: at, stopReason, failure }];
  if (status === "STOPPING") return [{ instanceId, desired: "stopped", stopReason, failure }];
  return to.startsWith("running") && from?.startsWith("starting") ? [{ instanceId, readyAt: at }] : [];
}
