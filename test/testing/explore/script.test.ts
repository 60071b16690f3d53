import { describe, expect, test } from "vitest";
import { describeStep, parseScript } from "../../../src/testing/explore/script.ts";

const script = {
  format: "troupe-script",
  version: 1,
  seed: 1,
  config: {
    subject: "machine",
    installers: 0,
    servers: 0,
    restart: "transient",
    maxRestarts: 1,
    was: "new",
    is: "absent",
  },
  steps: [{ do: "command", command: "start" }],
};

describe("parseScript()", () => {
  test("reads what was written", () => {
    expect(parseScript(JSON.stringify(script))).toEqual(script);
  });

  test.each([
    ["no JSON", "{", "it is not JSON"],
    ["nothing", "null", 'its "format"'],
    ["something else", JSON.stringify({ ...script, format: "troupe-incident" }), 'its "format"'],
    ["a later version", JSON.stringify({ ...script, version: 2 }), "its version is 2"],
    ["no seed", JSON.stringify({ ...script, seed: "one" }), '"seed"'],
    ["an unknown subject", JSON.stringify({ ...script, config: { subject: "server" } }), '"config.subject"'],
    ["no steps", JSON.stringify({ ...script, steps: {} }), '"steps"'],
  ])("refuses %s", (_, text, why) => {
    expect(() => parseScript(text)).toThrow(
      expect.objectContaining({ code: "REQUEST_INVALID", message: expect.stringContaining(why) }),
    );
  });
});

test("describeStep() puts a step on one line", () => {
  expect(describeStep({ do: "stop", of: 0, force: true })).toBe("stop of=0 force=true");
  expect(describeStep({ do: "kill", doom: { write: 2, when: "after" }, downMs: 0 })).toBe(
    'kill doom={"write":2,"when":"after"} downMs=0',
  );
});
