import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import type { Infrastructure } from "../../infrastructure/spi.ts";
import type { Scene } from "./stage.ts";

/** Takes a port where machines of the infrastructure would want it. */
export type TakePort = (infrastructure: Infrastructure) => Promise<{
  readonly port: number;
  release(): Promise<void>;
}>;

export const takeLoopbackPort: TakePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    release: async () => {
      server.close();
      await once(server, "close");
    },
  };
};

/** The servers' addresses. */
export function portContract(scene: Scene, takePort: TakePort): void {
  describe("ports", () => {
    test("every server has an address, and a URL of its protocol and path", async () => {
      const { stage, programs } = scene;
      const servers = { http: { path: "/app" }, metrics: { protocol: "ws" } };
      const instance = await stage.running({ command: programs.idle, servers });

      const { addresses } = await stage.start(instance, "main");

      expect(Object.keys(addresses).sort()).toEqual(["http", "metrics"]);
      const { http, metrics } = addresses;
      expect(http?.url).toBe(`http://${http?.host}:${http?.port}/app`);
      expect(metrics?.url).toBe(`ws://${metrics?.host}:${metrics?.port}`);
      expect(http?.port).not.toBe(metrics?.port);
    });

    test("servers of machines and instances that run at once have different ports", async () => {
      const { stage, programs } = scene;
      const machine = { command: programs.idle, servers: { http: {} } };
      const instances = [stage.instance({ a: machine, b: machine }), stage.instance({ a: machine })];
      for (const instance of instances) await stage.launch(instance);

      const observed = await Promise.all(instances.map((instance) => stage.observe(instance)));

      const ports = observed
        .flatMap(({ machines }) => Object.values(machines))
        .map((machine) => `${machine.started?.addresses["http"]?.host}:${machine.started?.addresses["http"]?.port}`);
      expect(new Set(ports).size).toBe(3);
    });

    test("a declared port that is in use is PORT_TAKEN, and free again when it is released", async () => {
      const { stage, programs } = scene;
      const taken = await takePort(stage.infrastructure);
      const instance = stage.instance({ main: { command: programs.idle, servers: { http: { port: taken.port } } } });
      await stage.prepare(instance);
      await stage.create(instance, "main");
      try {
        await expect(stage.start(instance, "main")).rejects.toMatchObject({ code: "PORT_TAKEN" });
        expect((await stage.observe(instance)).machines["main"]?.state).toBe("created");
      } finally {
        await taken.release();
      }

      expect((await stage.start(instance, "main")).addresses["http"]?.port).toBe(taken.port);
    });
  });
}
