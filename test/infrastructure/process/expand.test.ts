// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are what is tested
import { describe, expect, test } from "vitest";
import { expandCommand } from "../../../src/infrastructure/process/expand.ts";

const env = { PORT: "8080", NAME: "a b", PORTS: "many" };

describe("expandCommand()", () => {
  test.each([
    [
      ["serve", "$PORT"],
      ["serve", "8080"],
    ],
    [
      ["serve", "--port=${PORT}x"],
      ["serve", "--port=8080x"],
    ],
    [
      ["serve", "$PORTS$PORT"],
      ["serve", "many8080"],
    ],
    [["$NAME"], ["a b"]],
  ])("replaces the variables of the machine: %j", (command, expected) => {
    expect(expandCommand(command, env)).toEqual(expected);
  });

  test.each([
    "$UNKNOWN",
    "${UNKNOWN}",
    "${PORT:-1}",
    "$(id)",
    "`id`",
    "$$",
    "$1",
    "~",
    "*",
    "${PORT",
    "$constructor",
    "$__proto__",
  ])("leaves everything else as it is: %s", (word) => {
    expect(expandCommand(["run", word], env)).toEqual(["run", word]);
  });

  test("does not look at a value again", () => {
    expect(expandCommand(["run", "$A"], { A: "$B", B: "no" })).toEqual(["run", "$B"]);
  });

  test.each(["/bin/sh", "bash", "/usr/bin/zsh"])("leaves to %s what it expands itself", (shell) => {
    const command = [shell, "-c", "for PORT in 1 2; do echo $PORT; done"];

    expect(expandCommand(command, env)).toEqual(command);
  });
});
