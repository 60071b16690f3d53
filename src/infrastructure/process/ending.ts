/** The end of machines and of instances: first what runs, then what lies about. */
import type { InstanceRef, Leak } from "../spi.ts";
import { namesIn, removeFile, removeTree } from "./files.ts";
import type { InstancePlace, MachinePlace } from "./layout.ts";
import { removeMemoryGroup } from "./memory-group.ts";
import type { Ports } from "./ports.ts";
import type { ProcessTable } from "./process-table.ts";
import { endTree } from "./process-tree.ts";
import { readRecord } from "./record.ts";
import { look, type Workers, workers } from "./shimmed-process.ts";

/** How long a killed process may take to go before `destroy` calls it left behind. */
const PATIENCE_MS = 2_000;

/** Ends all processes of a machine. Resolves when none is left, however long that takes. */
export async function endMachine(
  place: MachinePlace,
  table: ProcessTable,
  { instanceId }: InstanceRef,
  machine: string,
  graceUntil: () => number,
  signal: AbortSignal,
): Promise<void> {
  const tree = {
    owns: (process: { instanceId: string | null; machine: string | null }) =>
      process.instanceId === instanceId && process.machine === machine,
    workers: () => workersOf(place),
    memoryGroups: await memoryGroupsOf([place]),
  };
  await endTree(tree, table, { graceUntil, patienceMs: Number.POSITIVE_INFINITY }, signal);
  await look(place.main); // settles how it ended, where nobody saw it
}

/** Ends all processes of an instance at once. @returns those that would not go. */
export async function endInstance(
  place: InstancePlace,
  table: ProcessTable,
  { instanceId }: InstanceRef,
  signal: AbortSignal,
): Promise<readonly Leak[]> {
  const machines = await machinesOf(place);
  const tree = {
    owns: (process: { instanceId: string | null }) => process.instanceId === instanceId,
    workers: async () => (await Promise.all(machines.map(workersOf))).flat(),
    memoryGroups: await memoryGroupsOf(machines),
  };
  const left = await endTree(tree, table, { graceUntil: () => 0, patienceMs: PATIENCE_MS }, signal);
  return left.map(({ identity }) => ({
    kind: "process",
    id: String(identity.pid),
    reason: "It was killed and has not ended",
  }));
}

/** Removes all that an instance without processes has here. @returns what could not be removed. */
export async function removeInstance(
  place: InstancePlace,
  ports: Ports,
  { instanceId }: InstanceRef,
  signal: AbortSignal,
): Promise<readonly Leak[]> {
  const leaks: Leak[] = [];
  const attempt = async (kind: string, id: string, removal: () => Promise<void>) => {
    await removal().catch((error: Error) => {
      signal.throwIfAborted();
      leaks.push({ kind, id, reason: error.message });
    });
  };
  for (const group of await memoryGroupsOf(await machinesOf(place))) {
    await attempt("memory group", group, () => removeMemoryGroup(group, signal));
  }
  if (leaks.length > 0) return leaks; // their names are in the directory
  await attempt("directory", place.directory, () => removeTree(place.directory));
  await attempt("ports", instanceId, () => ports.release(instanceId));
  if (leaks.length === 0) await removeFile(place.ref); // last: until now it can be found
  return leaks;
}

async function machinesOf(place: InstancePlace): Promise<readonly MachinePlace[]> {
  return (await namesIn(place.machines)).map((name) => place.machineAt(name));
}

async function workersOf(place: MachinePlace): Promise<readonly Workers[]> {
  const execs = (await namesIn(place.execs)).map((name) => place.execAt(name));
  return Promise.all([place.main, ...execs].map(workers));
}

async function memoryGroupsOf(machines: readonly MachinePlace[]): Promise<readonly string[]> {
  const groups = await Promise.all(machines.map(({ memoryGroup }) => readRecord(memoryGroup)));
  return groups.filter((group) => group !== null);
}
