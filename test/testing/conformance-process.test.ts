import { expect, onTestFinished, test } from "vitest";
import { checkInfrastructure } from "../../src/testing/index.ts";
import { HostedProcesses } from "./hosted-processes.ts";

test("processInfrastructure() keeps its contract in explored sequences, killed in the midst of some", async () => {
  const hosted = new HostedProcesses();
  onTestFinished(() => hosted.close());

  const { violation, message } = await checkInfrastructure(() => hosted.open(), { runs: 20, seed: 4 });

  expect(violation, message).toBeNull();
  expect(message).not.toContain("not put to the test");
}, 120_000);
