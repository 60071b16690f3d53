/** Where everything lies below the data directory. No other file knows. */
import { join } from "node:path";
import type { InstanceRef } from "../spi.ts";
import { safeFileName } from "./file-name.ts";

/** What one process under a shim needs on disk. */
export interface ProcessPlace {
  /** Its records: `lock`, `process`, `exit`. Gone with the machine. */
  readonly directory: string;
  /** Its output. Stays until the instance is destroyed. */
  readonly output: string;
}

export interface MachinePlace {
  readonly directory: string;
  /** Record: the machine's name. */
  readonly name: string;
  /** The machine's own directory: what its processes see. */
  readonly files: string;
  /** What `startMachine` told, as JSON. */
  readonly started: string;
  /** Record: the path of the machine's memory group, where it has one. */
  readonly memoryGroup: string;
  readonly main: ProcessPlace;
  readonly execs: string;
  exec(id: string): ProcessPlace;
  /** By its directory's name below `execs`. */
  execAt(directory: string): ProcessPlace;
  /** Output of the execs, a directory for each. */
  readonly execOutputs: string;
}

export interface InstancePlace {
  /** Record: which instance this is. Made before, and removed after, everything else of the instance. */
  readonly ref: string;
  readonly directory: string;
  readonly machines: string;
  machine(name: string): MachinePlace;
  /** By its directory's name below `machines`. */
  machineAt(directory: string): MachinePlace;
}

export interface Layout {
  readonly root: string;
  readonly instances: string;
  readonly ports: string;
  instance(ref: Pick<InstanceRef, "instanceId">): InstancePlace;
  volumes(workspaceId: string): string;
  volume(workspaceId: string, name: string): string;
}

/** The record files of instances end in this; a directory's safe name cannot. */
export const REF_SUFFIX = ".ref~";

export function layout(root: string): Layout {
  const instances = join(root, "instances");
  const volumes = (workspaceId: string) => join(root, "volumes", safeFileName(workspaceId));
  return {
    root,
    instances,
    ports: join(root, "ports"),
    instance: ({ instanceId }) => instancePlace(join(instances, safeFileName(instanceId))),
    volumes,
    volume: (workspaceId, name) => join(volumes(workspaceId), safeFileName(name)),
  };
}

function instancePlace(directory: string): InstancePlace {
  const machines = join(directory, "machines");
  return {
    ref: `${directory}${REF_SUFFIX}`,
    directory,
    machines,
    machine: (name) => machinePlace(directory, safeFileName(name)),
    machineAt: (name) => machinePlace(directory, name),
  };
}

function machinePlace(instance: string, name: string): MachinePlace {
  const directory = join(instance, "machines", name);
  const output = join(instance, "output", name);
  const execs = join(directory, "exec");
  const execOutputs = join(output, "exec");
  const execAt = (exec: string) => ({ directory: join(execs, exec), output: join(execOutputs, exec) });
  return {
    directory,
    name: join(directory, "name"),
    files: join(directory, "files"),
    started: join(directory, "started.json"),
    memoryGroup: join(directory, "memory-group"),
    main: { directory: join(directory, "main"), output: join(output, "main") },
    execs,
    exec: (id) => execAt(safeFileName(id)),
    execAt,
    execOutputs,
  };
}
