import { z } from "zod";
import { check } from "../../environment/problems.ts";
import { type Problem, validationError } from "../../errors.ts";
import type { Incident } from "../../model/incident.ts";

/**
 * Reads what was written as an incident. What a replay relies on is checked; the rest is taken as it is.
 *
 * @param what how the text is called in errors: the name of its file
 * @throws {TroupeError} `CONFIG_INVALID` with every problem
 */
export function parseIncident(text: string, what: string): Incident {
  const document = parsed(text, what);
  const version = isRecord(document) ? document["version"] : undefined;
  if (isRecord(document) && document["format"] === "troupe-incident" && version !== 1) {
    throw validationError(what, [{ path: "version", message: `is ${String(version)}, and only 1 is known here` }]);
  }
  const checked = check(incident, document, "");
  if (!("value" in checked)) throw validationError(what, checked.problems.slice(0, MAX_PROBLEMS));
  // The schema says what the type says, as far as replay goes by it.
  const value = document as Incident;
  const strays = straysIn(value);
  if (strays.length > 0) throw validationError(what, strays.slice(0, MAX_PROBLEMS));
  return value;
}

/** Of a file of fifty thousand events nobody wants to hear more. */
const MAX_PROBLEMS = 20;

const name = z.string();
const at = z.number();
const nullableAt = at.nullable();
const texts = z.record(name, z.string());

const source = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("workspace") }),
  z.object({ kind: z.literal("machine"), machine: name }),
  z.object({ kind: z.literal("installer"), machine: name, name }),
  z.object({ kind: z.literal("server"), machine: name, name }),
]);

const failure = z
  .looseObject({ class: z.string(), code: z.string(), message: z.string(), source, lastLines: z.array(z.string()) })
  .nullable();

const server = z.looseObject({
  name,
  port: z.union([z.number(), z.literal("auto")]),
  transport: z.enum(["tcp", "udp"]),
  protocol: z.string(),
  internal: z.boolean(),
  attributes: texts,
  readiness: z.looseObject({ budgetMs: z.number(), successThreshold: z.number(), periodMs: z.number() }),
  liveness: z.looseObject({ failureThreshold: z.number(), successThreshold: z.number() }),
});

const machine = z.looseObject({
  name,
  env: texts,
  dependsOn: z.record(name, z.enum(["started", "healthy", "completed"])),
  installers: z.array(
    z.looseObject({ id: z.string(), version: z.string(), servers: z.array(name), timeoutMs: z.number() }),
  ),
  servers: z.record(name, server),
  volumes: z.record(name, z.unknown()),
  restart: z.looseObject({
    restart: z.enum(["permanent", "transient", "temporary"]),
    maxRestarts: z.number(),
    withinMs: z.number(),
    backoffMs: z.number(),
    maxBackoffMs: z.number(),
  }),
  graceMs: z.number(),
  attributes: texts,
});

const environment = z.looseObject({
  name,
  machines: z.record(name, machine),
  strategy: z.looseObject({
    onFailure: z.enum(["stop-workspace", "one-for-one", "one-for-all"]),
    maxRestarts: z.number(),
    withinMs: z.number(),
  }),
  warnings: z.array(z.looseObject({ code: z.number(), message: z.string() })),
});

const incident = z.looseObject({
  format: z.literal("troupe-incident"),
  troupe: z.string(),
  exportedAt: at,
  workspace: z.looseObject({
    id: z.string(),
    name,
    owner: z.string(),
    attributes: texts,
    version: z.number(),
    createdAt: at,
    updatedAt: at,
  }),
  instances: z.array(
    z.looseObject({ instanceId: z.string(), environment, infrastructure: name, createdAt: at, stoppedAt: nullableAt }),
  ),
  events: z.array(
    z.looseObject({
      instanceId: z.string().nullable(),
      sequence: z.number(),
      at,
      source,
      from: z.string().nullable(),
      to: z.string(),
      status: z.string(),
      cause: z.string(),
      deadlineAt: nullableAt,
      budgetMs: z.number().nullable(),
      failure,
      data: z.record(z.string(), z.unknown()),
    }),
  ),
  notes: z.array(z.string()),
});

function straysIn({ events, instances }: Incident): Problem[] {
  const known = new Set(instances.map(({ instanceId }) => instanceId));
  return events.flatMap(({ instanceId }, index) =>
    instanceId === null || known.has(instanceId)
      ? []
      : [{ path: `events.${index}.instanceId`, message: `"${instanceId}" is none of the instances` }],
  );
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw validationError(what, [{ path: "", message: "it is not JSON" }]);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
