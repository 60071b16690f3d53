/** The workspace under torture. Its machines write down themselves what is done to them: nobody's word is taken for it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { workspace } from "../scenarios/office.ts";

/**
 * Says in the volume who was started for which instance. The lock is the kernel's and goes with the last process that
 * inherited it, so whoever cannot have it was started while another one of the same workspace and machine still ran.
 */
const WRITE_DOWN = `exec 9>>"$TROUPE_VOLUME_DATA/lock.$TROUPE_MACHINE"
flock -n 9 || echo "$TROUPE_MACHINE $$ $TROUPE_INSTANCE_ID" >>"$TROUPE_VOLUME_DATA/overlaps"
echo "$TROUPE_MACHINE $$ $TROUPE_INSTANCE_ID" >>"$TROUPE_VOLUME_DATA/starts"`;

/** Leaves a process behind that is in no group of its own, and takes a moment to end. */
const WEB = `${WRITE_DOWN}
trap 'sleep 0.1; exit 0' TERM
setsid sleep 600 &
sleep 600 & wait`;

/** Writes lines with consecutive numbers. */
const COUNTER = `${WRITE_DOWN}
n=0
while :; do echo "$TROUPE_INSTANCE_ID $n"; n=$((n+1)); sleep 0.05; done`;

/** Ends only when it is killed. */
const STUBBORN = `trap '' TERM\n${COUNTER}`;

const install = (id: string) => `echo "${id} $$ $TROUPE_INSTANCE_ID" >>"$TROUPE_VOLUME_DATA/installs"; sleep 0.05`;

/** The machine that counts on its output. */
export const COUNTING = "counter";

/** Of one owner's starts so many instances are kept (`src/journal/retention.ts`): below that, nothing may be missing. */
export const MOST_STARTS = 15;

export function subject(name: string, revision: number, isStubborn: boolean): object {
  const web = { port: "auto", protocol: "http", readiness: { type: "none" }, liveness: { type: "none" } };
  const volumes = { data: {} };
  const restart = { policy: "temporary" };
  const config = workspace(
    name,
    { web: WEB, [COUNTING]: isStubborn ? STUBBORN : COUNTER },
    {
      web: {
        servers: { web },
        volumes,
        restart,
        installers: [
          { id: "base", version: "1.0.0", script: install("base") },
          { id: "agent", version: "1.0.0", dependencies: ["base"], script: install("agent") },
        ],
      },
      [COUNTING]: { dependsOn: { web: "started" }, volumes, restart, graceMs: 200 },
    },
  );
  return { ...config, attributes: { revision: String(revision) } };
}

/** One line that a machine or an installer wrote down when it was begun. */
export interface Trace {
  readonly workspaceId: string;
  /** The machine, or the installer. */
  readonly name: string;
  readonly pid: number;
  readonly instanceId: string;
}

export interface Traces {
  readonly starts: readonly Trace[];
  readonly installs: readonly Trace[];
  /** Of starts that met a process of the same machine which still ran. */
  readonly overlaps: readonly Trace[];
}

/** What was written down in the volumes that are there. */
export function tracesIn(dataDir: string): Traces {
  const volumes = join(dataDir, "volumes");
  const workspaceIds = existsSync(volumes) ? readdirSync(volumes) : [];
  const read = (file: string) =>
    workspaceIds.flatMap((workspaceId) => tracesOf(join(volumes, workspaceId, "data", file), workspaceId));
  return { starts: read("starts"), installs: read("installs"), overlaps: read("overlaps") };
}

function tracesOf(file: string, workspaceId: string): Trace[] {
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
  return lines.map((line) => {
    const [name = "", pid = "", instanceId = ""] = line.split(" ");
    return { workspaceId, name, pid: Number(pid), instanceId };
  });
}
