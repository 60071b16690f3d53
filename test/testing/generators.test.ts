import { test as property } from "@fast-check/vitest";
import fc from "fast-check";
import { expect } from "vitest";
import { simulatedInfrastructure } from "../../src/infrastructure/simulated/index.ts";
import { environments, faults } from "../../src/testing/generators.ts";
import { VirtualClock } from "../../src/testing/index.ts";

property.prop([environments, fc.array(faults, { maxLength: 6 })])(
  "whatever goes wrong in the simulation, destroying often enough leaves nothing",
  async (environment, faultsToCome) => {
    const clock = new VirtualClock();
    const infrastructure = simulatedInfrastructure({ clock });
    for (const fault of faultsToCome) infrastructure.inject(fault);
    const instance = { workspaceId: "w", instanceId: "i", workspaceName: "w", owner: "o", environment };
    const abort = new AbortController();
    const { signal } = abort;
    const start = (async () => {
      await infrastructure.prepare(instance, signal, () => {});
      for (const machine of Object.keys(environment.machines)) {
        await infrastructure.createMachine(instance, machine, signal);
        await infrastructure.startMachine(instance, machine, signal);
      }
    })().catch(() => {});

    await clock.advanceAsync(1_000);
    abort.abort();
    await clock.runUntilIdle();
    await start;
    infrastructure.heal();
    await infrastructure.destroy(instance, new AbortController().signal);

    expect(infrastructure.world()).toMatchObject({ instances: [], ports: [], underWay: [] });
    expect(clock.pending).toBe(0);
  },
);
