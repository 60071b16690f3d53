import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processInfrastructure } from "../../src/infrastructure/process/index.ts";
import { simulatedInfrastructure } from "../../src/infrastructure/simulated/index.ts";
import type { Infrastructure } from "../../src/infrastructure/spi.ts";
import { environmentOf } from "../../src/testing/index.ts";
import {
  type InfrastructureContractOptions,
  infrastructureContract,
  simulatedContractPrograms,
} from "../../src/testing/infrastructure-contract.ts";

const simulated: InfrastructureContractOptions = { programs: simulatedContractPrograms, takePort: takeSimulatedPort };

infrastructureContract("simulatedInfrastructure()", openSimulated({}), simulated);

const slow = {
  prepare: 5,
  fetchImage: 5,
  createMachine: 5,
  startMachine: 5,
  stopMachine: 5,
  removeMachine: 5,
  exec: 5,
};
infrastructureContract("simulatedInfrastructure() that takes its time", openSimulated(slow), simulated);

infrastructureContract("processInfrastructure()", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "troupe-contract-"));
  return {
    infrastructure: processInfrastructure({ dataDir }),
    reopen: async () => processInfrastructure({ dataDir }),
    close: () => rm(dataDir, { recursive: true }),
  };
});

function openSimulated(latencyMs: Record<string, number>) {
  return async () => {
    const infrastructure = simulatedInfrastructure({ latencyMs });
    return { infrastructure, reopen: async () => infrastructure.reopen(), close: async () => {} };
  };
}

/** Nothing listens in a simulation: a port is taken by another machine. */
async function takeSimulatedPort(infrastructure: Infrastructure) {
  const signal = AbortSignal.timeout(10_000);
  const environment = environmentOf({ machines: { main: { servers: { http: { port: 8080 } } } } });
  const names = { workspaceName: "taker", owner: "taker" };
  const instance = { workspaceId: "taker", instanceId: "taker", environment, ...names };
  await infrastructure.prepare(instance, signal, () => {});
  await infrastructure.createMachine(instance, "main", signal);
  await infrastructure.startMachine(instance, "main", signal);
  return {
    port: 8080,
    release: async () => {
      await infrastructure.destroy(instance, signal);
    },
  };
}
