import { describe, expect, test } from "vitest";
import { processFromPs } from "../../../src/infrastructure/process/process-table.ts";

describe("processFromPs()", () => {
  const line =
    "  812   800      0 Ss   Mon Nov  3 09:08:07 2025     node server.js A=1 TROUPE_INSTANCE_ID=in-1 TROUPE_MACHINE=web PATH=/bin";

  test("reads who a process is and what it belongs to", () => {
    expect(processFromPs(line, "boot")).toEqual({
      identity: { pid: 812, boot: "boot", start: "Mon Nov  3 09:08:07 2025" },
      group: 800,
      session: 0,
      instanceId: "in-1",
      machine: "web",
    });
  });

  test("leaves out zombies, and lines that are none", () => {
    expect(processFromPs(line.replace("Ss", "Z+"), "boot")).toBeNull();
    expect(processFromPs("", "boot")).toBeNull();
  });
});
