import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { expect } from "vitest";
import { eventsOf, untilSteady } from "../scenarios/follow.ts";
import { node, workspace } from "../scenarios/office.ts";
import { processAt } from "../scenarios/processes.ts";
import { scenario } from "../scenarios/scenario.ts";
import { until } from "../until.ts";

/** How many more files the server may open; fewer than there are connections that want to be. */
const SPARE_FILES = 20;
const CONNECTIONS = 60;

const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** Connections that are made again as soon as they are closed: whenever the server has a file to spare, they take it. */
class Crowd {
  readonly #sockets = new Set<Socket>();
  #isOver = false;
  /** How many connections the server has closed. */
  refused = 0;

  constructor(url: string, size: number) {
    for (let number = 0; number < size; number += 1) this.#join(new URL(url));
  }

  leave(): void {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(url: URL): void {
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    this.#sockets.add(socket);
    socket.on("error", () => {}); // a close follows
    socket.on("close", () => {
      this.#sockets.delete(socket);
      if (this.#isOver) return;
      this.refused += 1;
      setTimeout(() => this.#isOver || this.#join(url), 1);
    });
  }
}

scenario.skipIf(process.platform !== "linux")(
  "a server that may open no more files harms no workspace, and takes connections again when some are closed",
  async ({ site }) => {
    const { client, ready } = await site.boot();
    const liveness = { type: "http", periodMs: 20, failureThreshold: 2 };
    const machine = {
      servers: { http: { port: "auto", protocol: "http", path: "/", liveness } },
      volumes: { data: {} },
    };
    const config = workspace("shop", { web: node("service.mjs", "web", "$PORT", "0") }, { web: machine });
    await client.create(config, { start: true });
    const before = await untilSteady(client, "shop");
    const limit = openFiles(ready.pid) + SPARE_FILES;
    execFileSync("prlimit", [`--pid=${ready.pid}`, `--nofile=${limit}:${limit}`]);

    const crowd = new Crowd(ready.url, CONNECTIONS);
    // Asked on a connection that is open already.
    const isBlind = async () => (await client.get("shop").catch(() => null))?.state === "running.interrupted";
    await until(isBlind, { withinMs: 15_000, what: "the server to lose sight of its machine" });
    expect(crowd.refused).toBeGreaterThan(0);
    crowd.leave();

    const answers = () => client.health().catch(() => null);
    await until(answers, { withinMs: 10_000, what: "the server to answer again" });
    const after = await untilSteady(client, "shop");
    expect(after).toMatchObject({ instanceId: before.instanceId, failure: null });
    expect(after.machines["web"]).toMatchObject({ restarts: 0, failure: null });
    expect(processAt(Number(before.machines["web"]?.attributes["pid"]))).not.toBeNull();
    const events = await eventsOf(client, "shop");
    expect(events.filter(({ failure }) => failure !== null)).toEqual([]);
    await client.create(workspace("other", { idle: "exec sleep 600" }), { start: true });
    await untilSteady(client, "other");
  },
);
