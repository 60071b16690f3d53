import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type MachineSpec, type ServerAddress, TroupeError } from "troupe";

const HOST = "127.0.0.1";

/** Where the machine's servers will listen: declared ports as they are, `auto` ones free at this moment. */
export async function addressesOf(machine: MachineSpec): Promise<Record<string, ServerAddress>> {
  const addresses: Record<string, ServerAddress> = {};
  for (const { name, port: wanted, protocol, path } of Object.values(machine.servers)) {
    const port = await bindable(wanted === "auto" ? 0 : wanted, `server "${name}" of machine "${machine.name}"`);
    addresses[name] = { host: HOST, port, url: `${protocol}://${HOST}:${port}${path}` };
  }
  return addresses;
}

async function bindable(wanted: number, what: string): Promise<number> {
  const server = createServer();
  try {
    server.listen(wanted, HOST);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  } catch (error) {
    throw new TroupeError("PORT_TAKEN", `Cannot use port ${wanted} for ${what}`, { cause: error });
  } finally {
    server.close();
  }
}
