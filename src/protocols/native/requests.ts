/** What requests may say: their paths, queries and bodies. */
import { z } from "zod";

/** A workspace's id, its name, or `owner/name`. */
export const KeyParams = z.object({ key: z.string().min(1).max(500) });

const limit = (most: number, preset: number) => z.coerce.number().int().min(1).max(most).default(preset);

export const ListQuery = z.object({
  owner: z.string().optional(),
  status: z.enum(["STARTING", "RUNNING", "STOPPING", "STOPPED"]).optional(),
  after: z.string().optional(),
  limit: limit(1_000, 100),
});

export const CreateQuery = z.object({
  owner: z.string().min(1).max(100).optional(),
  start: z.stringbool().default(false),
});

/** `parseConfig` says what is wrong with it, so here it may be anything. */
export const WorkspaceFile = z.unknown().describe("A workspace file; see workspace.schema.json");

/** Quoted or not: people forget. */
const IF_MATCH = /^"?(\d{1,15})"?$/;

export const UpdateHeaders = z.object({
  "if-match": z
    .string()
    .regex(IF_MATCH, { error: "it must be the version of the workspace in quotes" })
    .transform((text) => Number(IF_MATCH.exec(text)?.[1]))
    .optional(),
});

// Without a body all is preset.
export const StartBody = z
  .strictObject({ environment: z.string().optional(), priority: z.int().min(-1_000).max(1_000).optional() })
  .nullish();
export const StopBody = z.strictObject({ force: z.boolean().optional() }).nullish();

/** The longest wait: a day. */
const MAX_WAIT_MS = 24 * 60 * 60 * 1000;

export const WaitQuery = z.object({
  for: z.string().max(1_000).describe("running, stopped or MACHINE/SERVER=running|stopped"),
  timeoutMs: z.coerce.number().int().min(0).max(MAX_WAIT_MS).default(60_000),
});

export const EventsQuery = z.object({
  after: z.string().optional().describe("A cursor"),
  instanceId: z.string().optional(),
  limit: limit(1_000, 100),
});

export const ExportQuery = z.object({ instanceId: z.string().optional() });

export const LogsQuery = z.object({
  machine: z.string().optional(),
  cursor: z.string().optional(),
  tail: z.coerce.number().int().min(0).max(10_000).optional(),
  limit: limit(10_000, 1_000),
});
