/** Everything a client may say on a channel's socket. */
import { z } from "zod";
import { TroupeError } from "../../errors.ts";

/** The client's own name for a subscription. */
const Id = z.string().min(1).max(100);
const Key = z.string().min(1).max(500);
const Policy = z.enum(["events", "state"]).optional();

/** A cursor names a position in every stream of output, so it can be long. */
const Since = z.string().max(16_384).optional();

export const StatusSubscribe = z.discriminatedUnion("topic", [
  z.strictObject({ type: z.literal("subscribe"), id: Id, topic: z.literal("all"), policy: Policy, since: Since }),
  z.strictObject({
    type: z.literal("subscribe"),
    id: Id,
    topic: z.literal("workspace"),
    workspace: Key,
    policy: Policy,
    since: Since,
  }),
]);
export type StatusSubscribe = z.infer<typeof StatusSubscribe>;

export const OutputSubscribe = z.strictObject({
  type: z.literal("subscribe"),
  id: Id,
  topic: z.literal("output"),
  workspace: Key,
  machine: z.string().max(500).optional(),
  since: Since,
  tail: z.int().min(0).max(10_000).optional(),
});
export type OutputSubscribe = z.infer<typeof OutputSubscribe>;

export const Unsubscribe = z.strictObject({ type: z.literal("unsubscribe"), id: Id });
export type Unsubscribe = z.infer<typeof Unsubscribe>;

/** What a client said. How it subscribes differs by listener. @throws {TroupeError} `REQUEST_INVALID`. */
export function parseMessage<Subscribe>(
  value: Readonly<Record<string, unknown>>,
  subscribe: z.ZodType<Subscribe>,
): Subscribe | Unsubscribe {
  switch (value["type"]) {
    case "subscribe":
      return parsed(subscribe, value);
    case "unsubscribe":
      return parsed(Unsubscribe, value);
    default:
      throw new TroupeError(
        "REQUEST_INVALID",
        'Cannot read the message: its type must be "subscribe" or "unsubscribe"',
      );
  }
}

function parsed<Message>(schema: z.ZodType<Message>, value: unknown): Message {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
  const listed = problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  throw new TroupeError("REQUEST_INVALID", `Cannot read the message: ${listed}`, { problems });
}

/** The object in a frame. @throws {TroupeError} `REQUEST_INVALID`. */
export function parseFrame(text: string | null): Record<string, unknown> {
  if (text === null)
    throw new TroupeError("REQUEST_INVALID", "Cannot read the message: it is binary, and must be text");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TroupeError("REQUEST_INVALID", "Cannot read the message: it is not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TroupeError("REQUEST_INVALID", "Cannot read the message: it is not an object");
  }
  return value as Record<string, unknown>;
}
