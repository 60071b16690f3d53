/** TCP and UDP ports of machines, on 127.0.0.1. */
import { createSocket } from "node:dgram";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { TroupeError } from "../../errors.ts";
import type { MachineSpec, ServerSpec } from "../../model/environment.ts";
import type { InstanceRef } from "../spi.ts";
import { namesIn, removeFile } from "./files.ts";
import { readRecord, writeRecord } from "./record.ts";

export const HOST = "127.0.0.1";

export interface PortRange {
  readonly from: number;
  /** Inclusive. */
  readonly to: number;
}

/** Below the ports that kernels give to outgoing connections (Linux: 32768–60999, macOS: 49152–65535). */
export const DEFAULT_PORTS: PortRange = { from: 20_000, to: 29_999 };

interface Lease {
  readonly workspaceId: string;
  readonly instanceId: string;
  readonly machine: string;
  readonly server: string;
}

/**
 * Leases ports to the servers of instances, in one directory: a record for each port.
 *
 * A lease lasts until the instance is destroyed, so a machine that is started again has the same ports. Whether a
 * port is free is tried by binding it: others on this system know nothing of leases.
 */
export class Ports {
  readonly #directory: string;
  readonly #range: PortRange;

  constructor(directory: string, range: PortRange) {
    this.#directory = directory;
    this.#range = range;
  }

  /**
   * A port for each server of the machine, by server name.
   *
   * @throws {TroupeError} `PORT_TAKEN` for a declared port that is in use; `NO_FREE_PORT` if the range is used up.
   */
  async lease(ref: InstanceRef, machine: MachineSpec): Promise<Record<string, number>> {
    const servers = Object.values(machine.servers);
    if (servers.length === 0) return {};
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const leases = await this.#leases();
    const ports: Record<string, number> = {};
    for (const server of servers) {
      const lease: Lease = {
        workspaceId: ref.workspaceId,
        instanceId: ref.instanceId,
        machine: machine.name,
        server: server.name,
      };
      ports[server.name] =
        server.port === "auto"
          ? await this.#leaseAny(server, lease, leases)
          : await this.#leaseDeclared(server.port, server, lease);
    }
    return ports;
  }

  /** Every instance that holds a port. */
  async holders(): Promise<readonly InstanceRef[]> {
    return [...(await this.#leases()).values()].map(({ workspaceId, instanceId }) => ({ workspaceId, instanceId }));
  }

  /** Gives back every port of the instance. */
  async release(instanceId: string): Promise<void> {
    for (const [port, lease] of await this.#leases()) {
      if (lease.instanceId === instanceId) await this.#giveBack(port);
    }
  }

  async #leaseDeclared(port: number, server: ServerSpec, lease: Lease): Promise<number> {
    await writeRecord(this.#path(port), JSON.stringify(lease));
    const holder = await this.#holder(port);
    if (holder === null || !isSame(holder, lease)) throw taken(port, lease, "another server holds it");
    const obstacle = await tryToBind(port, HOST, server.transport);
    if (obstacle === null) return port;
    await this.#giveBack(port);
    throw taken(
      port,
      lease,
      obstacle === "EADDRINUSE" ? "another program uses it" : `it may not be used (${obstacle})`,
    );
  }

  async #leaseAny(server: ServerSpec, lease: Lease, leases: ReadonlyMap<number, Lease>): Promise<number> {
    for (const [port, held] of leases) {
      if (!isSame(held, lease) || port < this.#range.from || port > this.#range.to) continue;
      if (await isFree(port, server.transport)) return port;
      await this.#giveBack(port); // somebody took it while the machine was down
    }
    const { from, to } = this.#range;
    const count = to - from + 1;
    const first = Math.floor(Math.random() * count); // so that a port that was just given back rests for a while
    for (let step = 0; step < count; step += 1) {
      const port = from + ((first + step) % count);
      if (leases.has(port) || !(await isFree(port, server.transport))) continue;
      if (await writeRecord(this.#path(port), JSON.stringify(lease))) return port;
    }
    throw new TroupeError(
      "NO_FREE_PORT",
      `Cannot give server "${lease.server}" of machine "${lease.machine}" a port: all from ${from} to ${to} are in use`,
      { details: { machine: lease.machine, server: lease.server, from, to } },
    );
  }

  async #leases(): Promise<Map<number, Lease>> {
    const names = await namesIn(this.#directory);
    const leases = await Promise.all(
      names.map(async (name) => [Number(name), await this.#holder(Number(name))] as const),
    );
    return new Map(leases.filter((lease): lease is [number, Lease] => lease[1] !== null));
  }

  async #holder(port: number): Promise<Lease | null> {
    const record = await readRecord(this.#path(port));
    return record === null ? null : (JSON.parse(record) as Lease);
  }

  #giveBack(port: number): Promise<void> {
    return removeFile(this.#path(port));
  }

  #path(port: number): string {
    return join(this.#directory, String(port));
  }
}

function isSame(a: Lease, b: Lease): boolean {
  return a.instanceId === b.instanceId && a.machine === b.machine && a.server === b.server;
}

function taken(port: number, { machine, server }: Lease, why: string): TroupeError {
  const message = `Cannot use port ${port} for server "${server}" of machine "${machine}": ${why}`;
  return new TroupeError("PORT_TAKEN", message, {
    details: { port, machine, server },
    problems: [{ path: `environment.machines.${machine}.servers.${server}.port`, message: why }],
  });
}

/** For a port of our own choice: a program may listen on one address or on all. */
async function isFree(port: number, transport: "tcp" | "udp"): Promise<boolean> {
  return (await tryToBind(port, HOST, transport)) === null && (await tryToBind(port, "0.0.0.0", transport)) === null;
}

/** @returns why the port cannot be bound, as the system's error code; `null` if it can. */
function tryToBind(port: number, host: string, transport: "tcp" | "udp"): Promise<string | null> {
  return transport === "tcp" ? bindTcp(port, host) : bindUdp(port, host);
}

function bindTcp(port: number, host: string): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

function bindUdp(port: number, host: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(null)));
  });
}
