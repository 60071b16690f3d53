/** What machines write: as it is written, over restarts of the workspace; or a page of what is there. */
import { TroupeError } from "../../errors.ts";
import type { OutputRecord } from "../../infrastructure/spi.ts";
import type { OutputLine, WorkspaceView } from "../../model/workspace.ts";
import type { LogQuery, Supervisor } from "../../supervisor/api.ts";
import { OutputPlace } from "./output-cursor.ts";

export interface OutputBatch {
  readonly records: readonly OutputRecord[];
  /** Everything up to and including `records` has been delivered. */
  readonly cursor: string;
}

export interface OutputRequest {
  readonly workspace: string;
  readonly machine?: string | undefined;
  readonly since?: string | undefined;
  readonly tail?: number | undefined;
}

/** Text in one page, in bytes: lines may be 32 KiB long, and a page is in memory at once. */
const PAGE_BYTES = 4 * 1024 * 1024;

/**
 * The output of the current instance and of those that follow it, as it is written.
 *
 * Of a workspace that was never started: waits for its first start. Ends when an instance is over and no start follows it,
 * and when the workspace is deleted. A cursor of an earlier instance goes on at the beginning of the current one.
 *
 * @throws {TroupeError} at once: `WORKSPACE_NOT_FOUND`; `REQUEST_INVALID` if `since` is not a cursor.
 */
export function followOutput(
  supervisor: Supervisor,
  request: OutputRequest,
  signal: AbortSignal,
): AsyncIterable<OutputBatch> {
  const { id } = supervisor.get(request.workspace);
  return follow(supervisor, id, request, placeOf(request), signal);
}

async function* follow(
  supervisor: Supervisor,
  id: string,
  { machine, tail }: OutputRequest,
  since: OutputPlace | undefined,
  signal: AbortSignal,
): AsyncGenerator<OutputBatch, void, void> {
  let place = since;
  let rest = tail;
  /** Whether the place's instance was read to an end here. It may have been too early: then it is asked again. */
  let wasRead = false;
  // The view after a change decides, not its record. While lines come, nobody asks for changes.
  for await (const _ of supervisor.subscribe({ workspace: id }, { policy: "state", signal })) {
    const view = viewOf(supervisor, id);
    if (view === undefined) return;
    if (view.instanceId === null) continue;
    if (place?.instanceId !== view.instanceId) {
      place = new OutputPlace(view.instanceId);
      wasRead = false;
    }
    if (!wasRead || view.status !== "STOPPED") {
      const written = supervisor.logs(id, { ...logQuery(machine, place, rest), follow: true, signal });
      for await (const record of written) {
        place.advance(record);
        yield { records: [record], cursor: place.toString() };
      }
      wasRead = true;
      rest = undefined;
    }
    const after = viewOf(supervisor, id);
    if (after === undefined || isOver(after, place)) return;
  }
}

/**
 * At most `limit` lines of the current instance, or of the last one: those after `since`; without it the first, or from the tail on.
 *
 * @throws {TroupeError} `WORKSPACE_NOT_FOUND`; `REQUEST_INVALID` if `since` is not a cursor.
 */
export async function outputPage(
  supervisor: Supervisor,
  request: OutputRequest & { readonly limit: number },
  signal: AbortSignal,
): Promise<OutputBatch & { readonly more: boolean }> {
  const { id, instanceId } = supervisor.get(request.workspace);
  const since = placeOf(request);
  const place = since !== undefined && since.instanceId === instanceId ? since : new OutputPlace(instanceId ?? "");
  const records: OutputRecord[] = [];
  let lines = 0;
  let bytes = 0;
  const written = supervisor.logs(id, { ...logQuery(request.machine, place, request.tail), signal });
  for await (const record of written) {
    if (lines >= request.limit || bytes >= PAGE_BYTES) return { records, cursor: place.toString(), more: true };
    const fitting = firstLines(record, request.limit - lines);
    place.advance(fitting);
    records.push(fitting);
    if (fitting.type === "gap") continue;
    lines += fitting.lines.length;
    bytes += fitting.lines.reduce((sum, { text }) => sum + text.length, 0);
    if (fitting !== record) return { records, cursor: place.toString(), more: true };
  }
  return { records, cursor: place.toString(), more: false };
}

function placeOf({ since }: OutputRequest): OutputPlace | undefined {
  return since === undefined ? undefined : OutputPlace.parse(since);
}

function logQuery(machine: string | undefined, place: OutputPlace, tail: number | undefined): LogQuery {
  return {
    cursor: place.cursors,
    ...(machine === undefined ? {} : { machine }),
    ...(tail === undefined ? {} : { tail }),
  };
}

function firstLines(record: OutputRecord, count: number): OutputRecord {
  if (record.type === "gap" || record.lines.length <= count) return record;
  const lines: readonly OutputLine[] = record.lines.slice(0, count);
  return { type: "lines", lines };
}

function viewOf(supervisor: Supervisor, id: string): WorkspaceView | undefined {
  try {
    return supervisor.get(id);
  } catch (error) {
    if (error instanceof TroupeError && error.code === "WORKSPACE_NOT_FOUND") return undefined;
    throw error;
  }
}

function isOver({ status, instanceId, nextInstanceId }: WorkspaceView, place: OutputPlace): boolean {
  return status === "STOPPED" && nextInstanceId === null && instanceId === place.instanceId;
}
