/** What answers say, for the OpenAPI document. The types are the model's: the compiler keeps these like them. */
import { z } from "zod";
import type { Exit, Failure } from "../../../machines/failure.ts";
import type { Source } from "../../../machines/port.ts";
import { type ErrorCode, errorCodes } from "../../errors.ts";
import type { OutputRecord } from "../../infrastructure/spi.ts";
import type { LeakRow } from "../../journal/spi.ts";
import type { Warning } from "../../model/environment.ts";
import type {
  InstallerView,
  MachineView,
  OutputLine,
  ServerView,
  StopReason,
  TroupeEvent,
  WorkspaceStatus,
  WorkspaceView,
} from "../../model/workspace.ts";
import type { Health, Why } from "../../supervisor/api.ts";
import type { ProblemDocument } from "./problem.ts";

/** A schema of something that the code has a type for. */
type SchemaOf<Type> = z.ZodType<Type, unknown>;

const at = z.int().describe("Milliseconds since 1970");
const attributes = z.record(z.string(), z.string());
const anything = z.record(z.string(), z.unknown());
const failureClass = z.enum(["validation", "infrastructure", "internal"]);
const workspaceStatuses = ["STARTING", "RUNNING", "STOPPING", "STOPPED"] as const satisfies readonly WorkspaceStatus[];

const source: SchemaOf<Source> = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("workspace") }),
  z.object({ kind: z.literal("machine"), machine: z.string() }),
  z.object({ kind: z.literal("installer"), machine: z.string(), name: z.string() }),
  z.object({ kind: z.literal("server"), machine: z.string(), name: z.string() }),
]);

const exit: SchemaOf<Exit> = z.object({
  code: z.int().nullable(),
  signal: z.string().nullable(),
  oomKilled: z.boolean(),
  at,
});

const failure: SchemaOf<Failure> = z.object({
  class: failureClass,
  code: z.string(),
  message: z.string(),
  source,
  state: z.string(),
  at: at.nullable(),
  budgetMs: z.number().nullable(),
  exit: exit.nullable(),
  lastLines: z.array(z.string()),
});

const actor = {
  state: z.string(),
  since: at,
  deadlineAt: at.nullable(),
  budgetMs: z.number().nullable(),
  failure: failure.nullable(),
};

const server: SchemaOf<ServerView> = z.object({
  ...actor,
  status: z.enum(["UNKNOWN", "RUNNING", "STOPPED"]),
  url: z.string().nullable(),
  internal: z.boolean(),
  attributes,
  lastProbe: z.string().nullable(),
});

const installer: SchemaOf<InstallerView> = z.object({
  ...actor,
  status: z.enum(["STARTING", "RUNNING", "DONE", "FAILED"]),
  version: z.string(),
});

const machine: SchemaOf<MachineView> = z.object({
  ...actor,
  status: z.enum(["STARTING", "RUNNING", "STOPPED", "FAILED"]),
  attributes,
  exit: exit.nullable(),
  restarts: z.int(),
  servers: z.record(z.string(), server),
  installers: z.record(z.string(), installer),
});

const stopReason: SchemaOf<StopReason> = z.object({
  by: z.enum(["user", "failure", "supervisor", "completed"]),
  message: z.string(),
});

const warning: SchemaOf<Warning> = z.object({ code: z.int(), message: z.string() });

export const Workspace: SchemaOf<WorkspaceView> = z.object({
  ...actor,
  id: z.string(),
  name: z.string(),
  owner: z.string(),
  status: z.enum(workspaceStatuses),
  desired: z.enum(["running", "stopped"]),
  attributes,
  createdAt: at,
  updatedAt: at,
  version: z.int(),
  instanceId: z.string().nullable(),
  nextInstanceId: z.string().nullable(),
  environment: z.string().nullable(),
  infrastructure: z.string().nullable(),
  startedAt: at.nullable(),
  readyAt: at.nullable(),
  stoppedAt: at.nullable(),
  stopReason: stopReason.nullable(),
  warnings: z.array(warning),
  machines: z.record(z.string(), machine),
});

const Event: SchemaOf<TroupeEvent> = z.object({
  position: z.int(),
  workspaceId: z.string(),
  instanceId: z.string().nullable(),
  sequence: z.int(),
  at,
  source,
  from: z.string().nullable(),
  to: z.string(),
  status: z.string(),
  cause: z.string(),
  deadlineAt: at.nullable(),
  budgetMs: z.number().nullable(),
  failure: failure.nullable(),
  data: anything,
});

const outputLine: SchemaOf<OutputLine> = z.object({
  machine: z.string(),
  installer: z.string().nullable(),
  position: z.int(),
  at,
  text: z.string(),
});

const Output: SchemaOf<OutputRecord> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("lines"), lines: z.array(outputLine) }),
  z.object({
    type: z.literal("gap"),
    machine: z.string(),
    installer: z.string().nullable(),
    from: z.int(),
    to: z.int(),
  }),
]);

const Leak: SchemaOf<LeakRow> = z.object({
  workspaceId: z.string(),
  instanceId: z.string(),
  infrastructure: z.string(),
  kind: z.string(),
  id: z.string(),
  reason: z.string(),
  since: at,
  attempts: z.int(),
});

export const WhyAnswer: SchemaOf<Why> = z.object({
  workspace: Workspace,
  summary: z.string(),
  chain: z.array(
    z.object({
      actor: z.string(),
      state: z.string(),
      message: z.string(),
      elapsedMs: z.number(),
      budgetMs: z.number().nullable(),
    }),
  ),
  lastLines: z.array(z.string()),
  events: z.array(Event),
});

export const HealthAnswer: SchemaOf<Health & { readonly outputUrl: string }> = z.object({
  status: z.enum(["ok", "closing"]),
  workspaces: z.record(z.enum(workspaceStatuses), z.int()),
  recovering: z.int(),
  queuedStarts: z.int(),
  leaks: z.int(),
  infrastructures: z.array(z.string()),
  outputUrl: z.string(),
});

export const Workspaces = z.object({ workspaces: z.array(Workspace).readonly(), next: z.string().nullable() });
export const Events = z.object({ events: z.array(Event).readonly(), cursor: z.string() });
export const Logs = z.object({ records: z.array(Output).readonly(), cursor: z.string(), more: z.boolean() });
export const Leaks = z.object({ leaks: z.array(Leak).readonly() });
export const Warnings = z.object({ warnings: z.array(warning).readonly() });
export const Config = z.unknown().describe("The config as it is stored");
export const Incident = z.object({
  format: z.literal("troupe-incident"),
  version: z.literal(1),
  troupe: z.string().describe("The version of troupe that wrote it"),
  exportedAt: at,
  workspace: z.object({
    id: z.string(),
    name: z.string(),
    owner: z.string(),
    attributes,
    version: z.int(),
    createdAt: at,
    updatedAt: at,
  }),
  config: Config,
  instances: z.array(z.unknown().describe("An instance with its environment, as it was started")).readonly(),
  events: z.array(Event).readonly(),
  notes: z.array(z.string()).readonly().describe("What is not in it"),
});
export const Nothing = z.null().describe("Nothing");

export const ProblemAnswer: SchemaOf<ProblemDocument> = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
  retryable: z.boolean(),
  details: anything,
  problems: z.array(z.object({ path: z.string(), message: z.string() })),
});

/** What a route answers: that, with that status, or a problem. */
export function answers<Status extends number, Schema extends z.ZodType>(status: Status, schema: Schema) {
  return { [status]: schema, default: ProblemAnswer } as Record<Status, Schema> & { default: typeof ProblemAnswer };
}

/** The schemas that have a name in the document; all others are written where they are used. */
export function namedSchemas() {
  const named = z.registry<{ id: string }>();
  const schemas = {
    Workspace,
    Event,
    OutputRecord: Output,
    Leak,
    Why: WhyAnswer,
    Health: HealthAnswer,
    Problem: ProblemAnswer,
  };
  for (const [id, schema] of Object.entries(schemas)) named.add(schema, { id });
  named.add(failure, { id: "Failure" });
  named.add(source, { id: "Source" });
  named.add(machine, { id: "Machine" });
  return named;
}
