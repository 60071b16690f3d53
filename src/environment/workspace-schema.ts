/** The two shapes in which a workspace's config is written. */
import { z } from "zod";
import { attributes, environmentSchema, text } from "./config-schema.ts";
import { environmentName, name, named, workspaceName } from "./names.ts";
import { judge, strict } from "./problems.ts";

/** The workspace file: one environment. */
export const workspaceFileSchema = strict({
  /** For editors; not looked at. */
  $schema: z.string().exactOptional(),
  name: name(workspaceName),
  description: text.default(""),
  attributes: attributes.default({}),
  environment: environmentSchema,
});

/** Che's WorkspaceConfig, with what we know beyond it. Also the stored form. */
export const workspaceConfigSchema = strict({
  name: name(workspaceName),
  description: text.default(""),
  attributes: attributes.default({}),
  defaultEnv: z.string(),
  environments: named(environmentName, environmentSchema),
  commands: z.array(z.looseObject({ name: z.string().min(1), commandLine: z.string().min(1) })).default([]),
  projects: z.array(z.looseObject({})).default([]),
  /** Che's; written by the server, sent back by clients. */
  links: z.unknown().exactOptional(),
}).check(
  judge<{ readonly defaultEnv?: unknown; readonly environments?: unknown }>(function* ({ defaultEnv, environments }) {
    if (typeof defaultEnv !== "string" || !(environments instanceof Object)) return;
    if (!Object.hasOwn(environments, defaultEnv)) {
      yield {
        path: ["defaultEnv"],
        message: `is not one of the environments: ${Object.keys(environments).join(", ")}`,
      };
    }
  }),
);

/** What a workspace file may contain. */
export type WorkspaceFile = z.input<typeof workspaceFileSchema>;

/** The workspace file's schema for editors and other programs: JSON Schema 2020-12. */
export function workspaceJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(workspaceFileSchema, { io: "input" });
  return { $schema, title: "A troupe workspace file", ...schema };
}
