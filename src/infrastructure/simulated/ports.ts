import { TroupeError } from "../../errors.ts";
import type { ServerSpec } from "../../model/environment.ts";

/** The server that has a port. */
export interface PortHolder {
  readonly instanceId: string;
  readonly machine: string;
  readonly server: string;
}

/** Where `auto` begins: clear of what users declare. */
const FIRST_AUTO_PORT = 20_000;
const LAST_PORT = 65_535;

/** Who has which port. Nothing listens on them: they are only numbers. */
export class Ports {
  readonly #holders = new Map<string, PortHolder>();
  #nextAuto = FIRST_AUTO_PORT;

  /** @throws {TroupeError} `PORT_TAKEN`. */
  claim(port: number, transport: ServerSpec["transport"], holder: PortHolder): void {
    const key = `${transport} ${port}`;
    if (this.#holders.has(key)) {
      const { machine, server } = holder;
      throw new TroupeError(
        "PORT_TAKEN",
        `Cannot start machine "${machine}": port ${port} of server "${server}" is in use`,
        { details: { port, machine, server } },
      );
    }
    this.#holders.set(key, holder);
  }

  /** Claims a free port. @throws {TroupeError} `NO_FREE_PORT`. */
  pick(transport: ServerSpec["transport"], holder: PortHolder): number {
    for (let tried = FIRST_AUTO_PORT; tried <= LAST_PORT; tried += 1) {
      const port = this.#nextAuto;
      this.#nextAuto = port === LAST_PORT ? FIRST_AUTO_PORT : port + 1;
      if (this.#holders.has(`${transport} ${port}`)) continue;
      this.claim(port, transport, holder);
      return port;
    }
    throw new TroupeError("NO_FREE_PORT", `Cannot start machine "${holder.machine}": every port is in use`);
  }

  free(port: number, transport: ServerSpec["transport"]): void {
    this.#holders.delete(`${transport} ${port}`);
  }

  /** Of a TCP port. */
  holder(port: number): PortHolder | undefined {
    return this.#holders.get(`tcp ${port}`);
  }

  /** `tcp 8080`, sorted. */
  get taken(): readonly string[] {
    return [...this.#holders.keys()].sort();
  }
}
