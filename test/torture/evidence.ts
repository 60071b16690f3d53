/** All that the rules judge. */
import type { Process } from "../scenarios/processes.ts";
import type { Site } from "../scenarios/site.ts";
import type { History } from "./history.ts";
import { type JournalFacts, readJournal } from "./journal-facts.ts";
import { type Traces, tracesIn } from "./subject.ts";

export interface Evidence {
  readonly history: Pick<History, "operations" | "events" | "outputs">;
  /** As the killed server left it. */
  readonly journal: JournalFacts;
  /** Looked at after the server was gone. */
  readonly system: SystemFacts;
}

/** What exists outside of the journal. */
export interface SystemFacts {
  readonly processes: readonly (Pick<Process, "pid" | "command"> & { readonly instanceId: string })[];
  /** Names in the directory of instances: each begins with the instance's id. */
  readonly directories: readonly string[];
  readonly leases: readonly { readonly instanceId: string; readonly port: string }[];
  /** Workspaces that have volumes, by id. */
  readonly volumes: readonly string[];
  readonly traces: Traces;
}

export interface Violation {
  readonly rule: string;
  /** The workspace's name; `null` if it is about none, or about one whose name nobody was told. */
  readonly workspace: string | null;
  readonly what: string;
}

/** Of a site whose server has been killed. */
export function evidenceOf(site: Site, history: History): Evidence {
  return { history, journal: readJournal(site.dataDir, instancesTold(history)), system: systemFacts(site) };
}

function instancesTold({ operations }: History): string[] {
  return operations.flatMap(({ outcome }) => {
    const view = outcome.type === "acknowledged" ? outcome.view : null;
    return [view?.instanceId ?? [], view?.nextInstanceId ?? []].flat();
  });
}

function systemFacts(site: Site): SystemFacts {
  return {
    processes: site
      .processes()
      .map(({ pid, command, env }) => ({ pid, command, instanceId: env["TROUPE_INSTANCE_ID"] ?? "" })),
    directories: site.files("instances"),
    leases: site.leases(),
    volumes: site.files("volumes"),
    traces: tracesIn(site.dataDir),
  };
}

/** The name of a workspace, from whoever knows it. */
export function nameOf(
  workspaceId: string,
  { journal, history }: Pick<Evidence, "journal" | "history">,
): string | null {
  const row = journal.workspaces.find((one) => one.workspaceId === workspaceId);
  if (row !== undefined) return row.name;
  const told = history.operations.find(
    ({ outcome }) => outcome.type === "acknowledged" && outcome.view?.id === workspaceId,
  );
  return told?.workspace ?? null;
}
