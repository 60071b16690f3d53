import { expect, test } from "vitest";
import { createLogger } from "../../src/telemetry/log.ts";

test("a logger cuts secrets out, at the top and one object down", () => {
  const lines: string[] = [];
  const logger = createLogger("info", { write: (line) => void lines.push(line) });
  logger.info({ token: "s3cret", request: { authorization: "s3cret" }, machine: { env: { KEY: "s3cret" } } }, "told");

  expect(lines.join()).toContain("told");
  expect(lines.join()).not.toContain("s3cret");
});
