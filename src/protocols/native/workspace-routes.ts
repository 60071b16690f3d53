import type { FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { formatCursor, parseCursor } from "../../channels/cursor.ts";
import { TroupeError } from "../../errors.ts";
import type { WorkspaceView } from "../../model/workspace.ts";
import type { Supervisor } from "../../supervisor/api.ts";
import {
  answers,
  Config,
  Events,
  Incident,
  Logs,
  Nothing,
  Warnings,
  WhyAnswer,
  Workspace,
  Workspaces,
} from "./answers.ts";
import type { ApiOptions } from "./api-options.ts";
import { outputPage } from "./output.ts";
import {
  CreateQuery,
  EventsQuery,
  ExportQuery,
  KeyParams,
  ListQuery,
  LogsQuery,
  StartBody,
  StopBody,
  UpdateHeaders,
  WaitQuery,
  WorkspaceFile,
} from "./requests.ts";
import { untilGone } from "./until-gone.ts";
import { waitCondition } from "./wait-condition.ts";

/** Everything below `/v1/workspaces`, and `/v1/validate`. */
export function workspaceRoutes(untyped: FastifyInstance, { supervisor, closing }: ApiOptions): void {
  const app = untyped.withTypeProvider<ZodTypeProvider>();

  app.get(
    "/v1/workspaces",
    { schema: { summary: "List workspaces", response: answers(200, Workspaces), querystring: ListQuery } },
    async ({ query }) => {
      const { rows, next } = supervisor.list(present(query));
      return { workspaces: rows, next };
    },
  );

  app.post(
    "/v1/workspaces",
    {
      schema: {
        summary: "Create a workspace",
        response: answers(201, Workspace),
        querystring: CreateQuery,
        body: WorkspaceFile,
        ...files,
      },
    },
    async ({ query, body }, reply) => {
      const created = supervisor.create(body, present({ owner: query.owner }));
      const view = query.start ? await startOrUndo(supervisor, created) : created;
      return reply
        .status(201)
        .header("location", `/v1/workspaces/${encodeURIComponent(view.id)}`)
        .send(view);
    },
  );

  app.post(
    "/v1/validate",
    { schema: { summary: "Check a workspace file", response: answers(200, Warnings), body: WorkspaceFile, ...files } },
    async ({ body }) => ({ warnings: supervisor.validate(body) }),
  );

  app.get(
    "/v1/workspaces/:key",
    { schema: { summary: "A workspace", response: answers(200, Workspace), params: KeyParams } },
    async ({ params }) => supervisor.get(params.key),
  );

  app.get(
    "/v1/workspaces/:key/config",
    { schema: { summary: "A workspace's config as it is stored", response: answers(200, Config), params: KeyParams } },
    async ({ params }) => supervisor.config(params.key),
  );

  app.put(
    "/v1/workspaces/:key",
    {
      schema: {
        summary: "Replace a config",
        response: answers(200, Workspace),
        params: KeyParams,
        headers: UpdateHeaders,
        body: WorkspaceFile,
        ...files,
      },
    },
    async ({ params, headers, body }) => supervisor.update(params.key, body, present({ version: headers["if-match"] })),
  );

  app.delete(
    "/v1/workspaces/:key",
    { schema: { summary: "Stop and remove a workspace", response: answers(204, Nothing), params: KeyParams } },
    async ({ params }, reply) => {
      // Who does not wait for the end has asked for it all the same.
      await untilGone(reply, closing, () => supervisor.delete(params.key));
      return reply.status(204).send(null);
    },
  );

  app.post(
    "/v1/workspaces/:key/start",
    { schema: { summary: "Want it to run", response: answers(202, Workspace), params: KeyParams, body: StartBody } },
    async ({ params, body }, reply) => reply.status(202).send(supervisor.start(params.key, present(body ?? {}))),
  );

  app.post(
    "/v1/workspaces/:key/stop",
    {
      schema: {
        summary: "Want it to be stopped; a second time: at once",
        response: answers(202, Workspace),
        params: KeyParams,
        body: StopBody,
      },
    },
    async ({ params, body }, reply) => reply.status(202).send(supervisor.stop(params.key, present(body ?? {}))),
  );

  app.get(
    "/v1/workspaces/:key/wait",
    {
      schema: {
        summary: "Wait for a status",
        response: answers(200, Workspace),
        params: KeyParams,
        querystring: WaitQuery,
      },
    },
    async ({ params, query }, reply) => {
      const condition = waitCondition(query.for, supervisor.get(params.key));
      const { timeoutMs } = query;
      return untilGone(reply, closing, (signal) => supervisor.wait(params.key, condition, { timeoutMs, signal }));
    },
  );

  app.get(
    "/v1/workspaces/:key/why",
    { schema: { summary: "Why it is as it is", response: answers(200, WhyAnswer), params: KeyParams } },
    async ({ params }) => supervisor.why(params.key),
  );

  app.get(
    "/v1/workspaces/:key/events",
    {
      schema: {
        summary: "What happened to it",
        response: answers(200, Events),
        params: KeyParams,
        querystring: EventsQuery,
      },
    },
    async ({ params, query: { after: cursor, instanceId, limit } }) => {
      const after = positionIn(supervisor.epoch, cursor);
      const events = supervisor.events(params.key, { after, limit, ...present({ instanceId }) });
      const position = events.at(-1)?.position ?? after;
      return { events, cursor: formatCursor({ epoch: supervisor.epoch, position }) };
    },
  );

  app.get(
    "/v1/workspaces/:key/export",
    {
      schema: {
        summary: "All that is kept of it, without secrets, to be replayed elsewhere",
        response: answers(200, Incident),
        params: KeyParams,
        querystring: ExportQuery,
      },
    },
    async ({ params, query }) => supervisor.export(params.key, present(query)),
  );

  app.get(
    "/v1/workspaces/:key/logs",
    {
      schema: {
        summary: "What its machines wrote",
        response: answers(200, Logs),
        params: KeyParams,
        querystring: LogsQuery,
      },
    },
    async ({ params, query: { machine, cursor, tail, limit } }, reply) =>
      untilGone(reply, closing, (signal) =>
        outputPage(supervisor, { workspace: params.key, machine, since: cursor, tail, limit }, signal),
      ),
  );
}

const files = { consumes: ["application/json", "application/yaml"] };

/** Both or neither: a retry after a refused start does not find the name taken. */
async function startOrUndo(supervisor: Supervisor, { id }: WorkspaceView): Promise<WorkspaceView> {
  try {
    return supervisor.start(id);
  } catch (error) {
    await supervisor.delete(id);
    throw error;
  }
}

/** @throws {TroupeError} `CURSOR_GONE` if the cursor is another journal's. */
function positionIn(epoch: string, cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const place = parseCursor(cursor);
  if (place.epoch !== epoch) {
    throw new TroupeError("CURSOR_GONE", `Cannot list events after "${cursor}": the journal is another one`);
  }
  return place.position === "start" ? 0 : place.position;
}

type Present<Given> = { [Key in keyof Given]?: Exclude<Given[Key], undefined> };

/** Without the keys that were not given: to most of our interfaces absent and undefined are not the same. */
function present<Given extends object>(given: Given): Present<Given> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Present<Given>;
}
