/** What users may write, part by part. Both shapes of a workspace's config are made from these. */
import semver from "semver";
import { z } from "zod";
import { memoryProblems } from "./memory.ts";
import { attributeName, installerId, machineName, name, named, serverName, variableName, volumeName } from "./names.ts";
import { judge, strict } from "./problems.ts";

/** A day. Longer waits are mistakes, and timers end at 24.8 days (2^31 - 1 ms). */
const MAX_MS = 86_400_000;

/** An hour: what was asked to stop must be stopped within a time that somebody waits for. */
const MAX_GRACE_MS = 3_600_000;

/** Of one machine. Each is a process that runs after the one before it. */
const MAX_INSTALLERS = 100;

const PORT = 'must be a port from 1 to 65535, "8080/tcp", "8125/udp" or "auto"';
const PORT_PATTERN =
  /^(?:auto|(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(?:\/(?:tcp|udp))?)$/;

const STATUS = 'must be an HTTP status (100 to 599) or a range of them: 200, "200-399"';

/** Text that can be handed to a process. */
export const text = z.string().refine((value) => !value.includes("\0"), { error: "must not contain NUL" });
export const filledText = text.refine((value) => value.trim() !== "", { error: "must not be empty" });

/** Text; numbers and booleans, which YAML makes of `8080` and `true`, are taken as written. */
const scalar = z
  .union([text, z.number(), z.boolean()], { error: "must be text, a number, or true or false" })
  .transform(String);

const milliseconds = z.int().min(1).max(MAX_MS);

export const variables = named(variableName, scalar);

export const attributes = named(attributeName, scalar);

const condition = z.enum(["started", "healthy", "completed"]);

/** By machine; a list of machines means that they have started. */
export const dependencies = z.union(
  [
    named(machineName, condition),
    z
      .array(name(machineName))
      .transform((machines) => Object.fromEntries(machines.map((machine) => [machine, "started" as const]))),
  ],
  { error: "must be a map of machine: started, healthy or completed, or a list of machines" },
);

/** Of a URL. Anything but printable ASCII would have to be encoded by somebody, and differently by each. */
const path = z
  .string()
  .regex(/^[!-~]*$/, { error: "must be the path of a URL: without blanks, other characters as %XX" });

const expectedStatus = z
  .union([z.int({ error: STATUS }), z.string()], { error: STATUS })
  .refine((value) => statusRange(value) !== null, { error: STATUS });

const probe = {
  type: z.enum(["tcp", "http", "none"]).exactOptional(),
  path: path.exactOptional(),
  expectedStatus: expectedStatus.exactOptional(),
  periodMs: milliseconds.exactOptional(),
  timeoutMs: milliseconds.exactOptional(),
  successThreshold: z.int().min(1).max(100).exactOptional(),
};

const server = strict({
  port: z
    .union(
      [
        z.int({ error: PORT }).min(1, { error: PORT }).max(65_535, { error: PORT }),
        z.string().regex(PORT_PATTERN, { error: PORT }),
      ],
      {
        error: (issue) => (issue.input === undefined ? "is required" : PORT),
      },
    )
    .meta({ description: 'A port, "8080/tcp", "8125/udp", or "auto" for a free one.' }),
  protocol: z
    .string()
    .regex(/^[a-z][a-z0-9+.-]{0,31}$/, { error: "must be a scheme of URLs: http, https, ws, tcp" })
    .exactOptional(),
  path: path.exactOptional(),
  attributes: attributes.default({}),
  readiness: strict({ ...probe, budgetMs: milliseconds.exactOptional() }).exactOptional(),
  liveness: strict({ ...probe, failureThreshold: z.int().min(1).max(100).exactOptional() }).exactOptional(),
});

const servers = named(serverName, server);

export const installerSchema = strict({
  id: name(installerId),
  version: z.string().refine(isVersion, { error: "must be a semantic version: 1.0.0" }),
  name: text.exactOptional(),
  description: text.exactOptional(),
  dependencies: z.array(z.string()).max(MAX_INSTALLERS).exactOptional(),
  properties: z
    .record(z.string(), z.unknown())
    .check(
      judge<Record<string, unknown>>(function* ({ environment }) {
        if (environment !== undefined && variablesIn(environment) === null) {
          yield { path: ["environment"], message: 'must be a map of variables, or "A=1,B=2"' };
        }
      }),
    )
    .exactOptional(),
  script: filledText,
  servers: servers.exactOptional(),
  timeoutMs: milliseconds.exactOptional(),
});

const machine = strict({
  installers: z
    .array(z.union([z.string(), installerSchema], { error: "must be an installer's key, or an installer" }))
    .max(MAX_INSTALLERS)
    .default([]),
  servers: servers.default({}),
  env: variables.default({}),
  attributes: attributes.check(judge(memoryProblems)).default({}),
  volumes: named(volumeName, strict({ path: volumePath().exactOptional() })).default({}),
  dependsOn: dependencies.default({}),
  restart: strict({
    policy: z.enum(["permanent", "transient", "temporary"]).exactOptional(),
    maxRestarts: z.int().min(0).max(1_000).exactOptional(),
    withinMs: milliseconds.exactOptional(),
    backoffMs: milliseconds.exactOptional(),
  }).exactOptional(),
  graceMs: z.int().min(0).max(MAX_GRACE_MS).exactOptional(),
});

export const environmentSchema = strict({
  recipe: strict({
    type: filledText,
    contentType: text.exactOptional(),
    content: z.unknown().exactOptional(),
    location: text.exactOptional(),
  }),
  machines: named(machineName, machine).default({}),
  onFailure: z.enum(["stop-workspace", "one-for-one", "one-for-all"]).exactOptional(),
});

/** The statuses that `200` or `"200-399"` means; `null` if it means none. */
export function statusRange(status: number | string): { from: number; to: number } | null {
  const [, first, last = first] = /^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$/.exec(String(status)) ?? [];
  const [from, to] = [Number(first), Number(last)];
  return from <= to ? { from, to } : null;
}

/**
 * An installer's variables: a map, or Che's `A=1,B=2`, in which a value may contain `=` but no comma. `null` if it is
 * neither.
 */
export function variablesIn(environment: unknown): Readonly<Record<string, string>> | null {
  const given = typeof environment === "string" ? pairsIn(environment) : environment;
  const result = variables.safeParse(given);
  return result.success ? result.data : null;
}

function pairsIn(list: string): Record<string, string> | null {
  const items = list.split(",").filter((item) => item.trim() !== "");
  if (items.some((item) => item.indexOf("=") < 1)) return null;
  return Object.fromEntries(
    items.map((item) => [item.slice(0, item.indexOf("=")).trim(), item.slice(item.indexOf("=") + 1)]),
  );
}

/** Semantic versions only, and in their one spelling: no `v1.0.0`. */
function isVersion(version: string): boolean {
  return /^[0-9]/.test(version) && semver.valid(version) !== null && version.length <= 100;
}

function volumePath() {
  return text
    .refine((value) => value !== "", { error: "must not be empty" })
    .refine((value) => !value.split("/").includes(".."), { error: "must not contain .." });
}
