import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { World } from "./world.ts";

/** A port on which something listens. */
async function takenPort(port = 0): Promise<number> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const idle = ["sleep", "100"];

describe("ports", () => {
  test("a declared port that something else uses is PORT_TAKEN, by name and path", async () => {
    const world = await World.create();
    const port = await takenPort();
    const instance = world.instance({ main: { command: idle, servers: { http: { port } } } });

    await expect(world.start(instance)).rejects.toMatchObject({
      code: "PORT_TAKEN",
      details: { port, machine: "main", server: "http" },
      problems: [{ path: "environment.machines.main.servers.http.port" }],
    });
    expect(await world.processes(instance)).toEqual([]);
  });

  test("a declared port belongs to one instance until it is destroyed", async () => {
    const world = await World.create();
    const machines = { main: { command: idle, servers: { http: { port: 28_881 } } } };
    const [first, second] = [world.instance(machines), world.instance(machines)];
    await world.start(first);
    await expect(world.start(second)).rejects.toMatchObject({ code: "PORT_TAKEN" });

    await world.infrastructure.destroy(first, world.signal);

    expect((await world.start(second)).addresses["http"]?.port).toBe(28_881);
  });

  test("a chosen port is free, in the range, and stays with the server", async () => {
    const world = await World.create({ ports: { from: 28_890, to: 28_892 } });
    await takenPort(28_891);
    const server = { main: { command: idle, servers: { http: {} } } };
    const [first, second, third] = [world.instance(server), world.instance(server), world.instance(server)];

    const ports = [await world.start(first), await world.start(second)].map((it) => it.addresses["http"]?.port);
    await expect(world.start(third)).rejects.toMatchObject({ code: "NO_FREE_PORT", retryable: true });
    await world.remove(first);

    expect([...ports].sort()).toEqual([28_890, 28_892]);
    expect((await world.start(first)).addresses["http"]?.port).toBe(ports[0]);
    await world.infrastructure.destroy(first, world.signal);
    expect((await world.start(third)).addresses["http"]?.port).toBe(ports[0]);
  });

  test("a chosen port that was taken while the machine was down is replaced", async () => {
    const world = await World.create({ ports: { from: 28_895, to: 28_896 } });
    const instance = world.instance({ main: { command: idle, servers: { http: {} } } });
    const before = (await world.start(instance)).addresses["http"]?.port ?? 0;
    await world.remove(instance);
    await takenPort(before);

    expect((await world.start(instance)).addresses["http"]?.port).toBe(before === 28_895 ? 28_896 : 28_895);
  });

  test("the command is told its port", async () => {
    const world = await World.create();
    const instance = world.instance({
      main: { command: ["echo", "$PORT", "$TROUPE_PORT_HTTP"], servers: { http: {} } },
    });
    const { addresses } = await world.start(instance);
    const port = addresses["http"]?.port;

    expect(await world.textUntil(instance, `${port} ${port}`)).toEqual([`${port} ${port}`]);
    expect(addresses["http"]?.url).toBe(`http://127.0.0.1:${port}`);
  });
});
