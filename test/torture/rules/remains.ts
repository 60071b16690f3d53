/** Nothing is begun twice, and nothing is left behind. */
import { type Evidence, nameOf, type Violation } from "../evidence.ts";
import type { Trace } from "../subject.ts";

/** At every moment. */
export function* remainsRules(evidence: Evidence): Generator<Violation> {
  const { starts, installs, overlaps } = evidence.system.traces;
  for (const trace of overlaps) {
    yield aboutTrace(evidence, "one machine of a workspace runs at a time", trace, "another one still ran");
  }
  for (const trace of [...repeated(starts), ...repeated(installs)]) {
    yield aboutTrace(evidence, "nothing is begun twice for an instance", trace, "it was begun before");
  }
  const stopped = new Map(
    evidence.journal.instances.flatMap((row) => (row.stoppedAt === null ? [] : [[row.instanceId, row.workspaceId]])),
  );
  for (const { instanceId, what } of thingsIn(evidence)) {
    const workspaceId = stopped.get(instanceId);
    if (workspaceId === undefined) continue;
    yield { rule: "a stopped instance leaves nothing", workspace: nameOf(workspaceId, evidence), what };
  }
}

/** When nothing has been asked for a while, and all is as it will stay. */
export function* remainsRulesAtRest(evidence: Evidence): Generator<Violation> {
  const { journal, system } = evidence;
  const active = new Set(journal.instances.flatMap((row) => (row.stoppedAt === null ? [row.instanceId] : [])));
  for (const { instanceId, what } of thingsIn(evidence)) {
    if (!active.has(instanceId)) yield { rule: "what exists is of a live instance", workspace: null, what };
  }
  for (const workspaceId of system.volumes) {
    if (journal.workspaces.some((row) => row.workspaceId === workspaceId)) continue;
    yield {
      rule: "volumes go with their workspace",
      workspace: nameOf(workspaceId, evidence),
      what: `volumes of ${workspaceId}`,
    };
  }
  for (const { instanceId, workspaceId, environment } of journal.instances) {
    if (!active.has(instanceId)) continue;
    for (const machine of Object.keys(environment.machines)) {
      const trace = system.traces.starts.find((one) => one.instanceId === instanceId && one.name === machine);
      if (trace !== undefined && system.processes.some(({ pid }) => pid === trace.pid)) continue;
      yield {
        rule: "a running workspace runs all its machines",
        workspace: nameOf(workspaceId, evidence),
        what: `${machine} of ${instanceId} does not run`,
      };
    }
  }
}

function* thingsIn({ system }: Evidence): Generator<{ instanceId: string; what: string }> {
  for (const { instanceId, pid, command } of system.processes) {
    yield { instanceId, what: `process ${pid} of ${instanceId}: ${command.slice(0, 100)}` };
  }
  for (const name of system.directories) yield { instanceId: name.replace(/\..*$/, ""), what: `file ${name}` };
  for (const { instanceId, port } of system.leases) yield { instanceId, what: `lease of ${port} by ${instanceId}` };
}

function repeated(traces: readonly Trace[]): Trace[] {
  const seen = new Set<string>();
  return traces.filter(({ workspaceId, name, instanceId }) => {
    const key = `${workspaceId} ${name} ${instanceId}`;
    const isRepeated = seen.has(key);
    seen.add(key);
    return isRepeated;
  });
}

function aboutTrace(
  evidence: Evidence,
  rule: string,
  { workspaceId, name, pid, instanceId }: Trace,
  why: string,
): Violation {
  return {
    rule,
    workspace: nameOf(workspaceId, evidence),
    what: `${name} as process ${pid} for ${instanceId}: ${why}`,
  };
}
