/** From a machine's spec to its running processes. */
import { isAbsolute, join, resolve } from "node:path";
import { TroupeError } from "../../errors.ts";
import type { MachineSpec, Warning } from "../../model/environment.ts";
import { serverUrl } from "../../servers/url.ts";
import type { ExecRequest, Instance, ServerAddress, StartedMachine } from "../spi.ts";
import { expandCommand } from "./expand.ts";
import { makeDirectory, readText, replaceFile } from "./files.ts";
import type { InstancePlace, Layout, MachinePlace } from "./layout.ts";
import { machineEnvironment } from "./machine-environment.ts";
import { makeMemoryGroup, memoryGroupName, memoryGroupPath } from "./memory-group.ts";
import { HOST, type Ports } from "./ports.ts";
import { checkProgram, isInMachineDirectory } from "./program.ts";
import { OUTPUT_NAME } from "./read-output.ts";
import { readRecord, writeRecord } from "./record.ts";
import { installShim, type OutputBounds } from "./shim.ts";
import { begin, type Launch, workers } from "./shimmed-process.ts";

/** For a machine that only holds its installers' processes. Its own PATH may have no `sleep`. */
const HOLD: readonly string[] = ["/bin/sh", "-c", "PATH=$PATH:/usr/bin:/bin; exec sleep 2147483647"];

/** The memory limit cannot be enforced on this system. */
const MEMORY_NOT_LIMITED = 5001;

/** What is told of a start, and kept: all but the pid. */
type Told = Pick<StartedMachine, "addresses" | "warnings">;

export interface Starter {
  readonly layout: Layout;
  readonly ports: Ports;
  readonly bounds: OutputBounds;
}

export function machineSpec(instance: Instance, machine: string): MachineSpec {
  const spec = instance.environment.machines[machine];
  if (spec !== undefined) return spec;
  throw new TroupeError("NOT_FOUND", `Cannot find machine "${machine}": the environment has no such machine`, {
    details: { machine },
  });
}

/**
 * Whether the machine's program is there. One in the machine's own directory can only be looked for when it starts.
 *
 * @throws {TroupeError} `COMMAND_NOT_FOUND`
 */
export async function checkCommand({ layout }: Starter, instance: Instance, spec: MachineSpec): Promise<void> {
  const env = environmentOf(layout, instance, spec, {}, {});
  const command = expandCommand(spec.command ?? HOLD, env);
  if (isInMachineDirectory(command, spec.workingDir)) return;
  // The machine's own directory is not there yet, but will be.
  const workingDir = spec.workingDir !== null && isAbsolute(spec.workingDir) ? spec.workingDir : layout.root;
  await checkProgram({ machine: spec.name, command, workingDir, env });
}

/** Runs the machine's command unless it was begun before. */
export async function beginMachine(
  starter: Starter,
  instance: Instance,
  spec: MachineSpec,
  signal: AbortSignal,
): Promise<void> {
  const place = starter.layout.instance(instance).machine(spec.name);
  const launch = async (): Promise<Launch> => {
    const memory = await limitMemory(starter.layout.instance(instance), place, spec);
    // A shim of an earlier attempt may be about to run, with what was told then: so it must hold for this one too.
    const told = (await toldOf(place)) ?? {
      addresses: addressesOf(spec, await starter.ports.lease(instance, spec)),
      warnings: memory.warnings,
    };
    const env = await currentEnvironment(starter.layout, instance, spec, told.addresses);
    const workingDir = workingDirOf(place, spec);
    const command = expandCommand(spec.command ?? HOLD, env);
    await checkProgram({ machine: spec.name, command, workingDir, env });
    await replaceFile(place.started, JSON.stringify(told), 0o600);
    return {
      shim: await installShim(starter.layout.root),
      command,
      env,
      workingDir,
      bounds: starter.bounds,
      memoryGroup: memory.group,
    };
  };
  await begin(place.main, `machine "${spec.name}"`, launch, signal);
}

/** Runs a further process in the machine unless it was begun before. */
export async function beginExec(
  starter: Starter,
  instance: Instance,
  spec: MachineSpec,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<void> {
  const place = starter.layout.instance(instance).machine(spec.name);
  const process = place.exec(request.id);
  const launch = async (): Promise<Launch> => {
    const { addresses } = (await toldOf(place)) ?? { addresses: {} };
    const env = await currentEnvironment(starter.layout, instance, spec, addresses);
    await makeDirectory(process.output);
    await writeRecord(join(process.output, OUTPUT_NAME), JSON.stringify(request.id));
    return {
      shim: await installShim(starter.layout.root),
      command: request.command,
      // The marks last: no request takes a process out of its machine.
      env: { ...env, ...request.env, ...marksOf(env) },
      workingDir: place.files,
      bounds: starter.bounds,
      memoryGroup: await readRecord(place.memoryGroup),
    };
  };
  await begin(process, `"${request.id}" in machine "${spec.name}"`, launch, signal);
}

/** What `startMachine` tells; `null` for a machine that has not been started. */
export async function startedOf(place: MachinePlace): Promise<StartedMachine | null> {
  const told = await toldOf(place);
  const { command } = await workers(place.main);
  if (told === null || command === null) return null;
  return { ...told, attributes: { pid: String(command.pid), directory: place.files } };
}

async function toldOf(place: MachinePlace): Promise<Told | null> {
  const text = await readText(place.started);
  return text === null ? null : (JSON.parse(text) as Told);
}

function addressesOf(spec: MachineSpec, ports: Readonly<Record<string, number>>): Record<string, ServerAddress> {
  const addresses: Record<string, ServerAddress> = {};
  for (const [name, port] of Object.entries(ports)) {
    const server = spec.servers[name];
    if (server !== undefined) addresses[name] = { host: HOST, port, url: serverUrl(server, HOST, port) };
  }
  return addresses;
}

function workingDirOf(place: MachinePlace, { workingDir }: MachineSpec): string {
  return resolve(place.files, workingDir ?? ".");
}

/** The machine's environment, with the addresses of the machines that have been started by now. */
async function currentEnvironment(
  layout: Layout,
  instance: Instance,
  spec: MachineSpec,
  addresses: StartedMachine["addresses"],
): Promise<Record<string, string>> {
  const neighbours: Record<string, StartedMachine["addresses"]> = {};
  for (const name of Object.keys(instance.environment.machines)) {
    const started = await startedOf(layout.instance(instance).machine(name));
    if (started !== null) neighbours[name] = started.addresses;
  }
  const ports = Object.fromEntries(Object.entries(addresses).map(([name, { port }]) => [name, port]));
  return environmentOf(layout, instance, spec, ports, neighbours);
}

function environmentOf(
  layout: Layout,
  instance: Instance,
  machine: MachineSpec,
  ports: Readonly<Record<string, number>>,
  neighbours: Readonly<Record<string, StartedMachine["addresses"]>>,
): Record<string, string> {
  const volumes = Object.fromEntries(
    Object.keys(machine.volumes).map((name) => [name, layout.volume(instance.workspaceId, name)]),
  );
  return machineEnvironment({ instance, machine, ports, neighbours, volumes }, process.env);
}

function marksOf(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith("TROUPE_")));
}

async function limitMemory(
  instance: InstancePlace,
  place: MachinePlace,
  { name, memoryLimitBytes }: MachineSpec,
): Promise<{ readonly group: string | null; readonly warnings: readonly Warning[] }> {
  if (memoryLimitBytes === null) return { group: null, warnings: [] };
  const path = await memoryGroupPath(memoryGroupName(instance.directory, place.directory));
  if (path === null) {
    const message = `The memory limit of machine "${name}" is not enforced: this system allows no control group for it`;
    return { group: null, warnings: [{ code: MEMORY_NOT_LIMITED, message }] };
  }
  await writeRecord(place.memoryGroup, path); // before the group is made, so that it is found again
  await makeMemoryGroup(path, memoryLimitBytes);
  return { group: path, warnings: [] };
}
