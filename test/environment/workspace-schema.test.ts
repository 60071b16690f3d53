import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { defineWorkspace } from "../../src/environment/define-workspace.ts";
import { parseConfig } from "../../src/environment/parse-config.ts";
import { workspaceJsonSchema } from "../../src/environment/workspace-schema.ts";

const file = new URL("../../src/environment/workspace.schema.json", import.meta.url);

const counter = defineWorkspace({
  name: "counter",
  environment: {
    recipe: { type: "process", content: { machines: { web: { command: ["serve", "$PORT"] } } } },
    machines: {
      web: { servers: { http: { port: "auto", protocol: "http" } }, env: { DEBUG: true }, dependsOn: ["db"] },
    },
  },
});

describe("workspaceJsonSchema", () => {
  test("is what workspace.schema.json says (src/environment/write-workspace-schema.ts writes it)", async () => {
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual(workspaceJsonSchema());
  });

  test.each<[what: string, input: unknown, isValid: boolean]>([
    ["a workspace file", counter, true],
    ["one with its schema named", { $schema: "./workspace.schema.json", ...counter }, true],
    ["one without environment", { name: "counter" }, false],
    ["an unknown key", { ...counter, nam: 1 }, false],
    [
      "port 70000",
      {
        ...counter,
        environment: { ...counter.environment, machines: { web: { servers: { http: { port: 70_000 } } } } },
      },
      false,
    ],
  ])("judges %s as parseConfig does", (_, input, isValid) => {
    const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(workspaceJsonSchema())));

    expect(schema.safeParse(input).success).toBe(isValid);
    expect(accepts(input)).toBe(isValid);
  });
});

describe("defineWorkspace", () => {
  test("lets the compiler refuse what parseConfig refuses", () => {
    const environment = { recipe: { type: "process" } };

    // @ts-expect-error: a key that is not known
    const misspelt = defineWorkspace({ name: "one", environment, attribute: {} });
    // @ts-expect-error: a policy that is none
    const unknownPolicy = defineWorkspace({ name: "one", environment: { ...environment, onFailure: "restart" } });

    expect([misspelt, unknownPolicy].map(accepts)).toEqual([false, false]);
    expect(accepts(defineWorkspace({ name: "one", environment }))).toBe(true);
  });
});

function accepts(input: unknown): boolean {
  try {
    parseConfig(input);
    return true;
  } catch {
    return false;
  }
}
