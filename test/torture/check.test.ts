import { describe, expect, test } from "vitest";
import type { TroupeEvent, WorkspaceView } from "../../src/model/workspace.ts";
import { instanceRow, newEvent, T0, workspaceRow } from "../journal/rows.ts";
import { check, checkAtRest } from "./check.ts";
import type { Evidence, SystemFacts } from "./evidence.ts";
import type { EventsFollowed, Operation, Outcome, Verb } from "./history.ts";
import type { JournalFacts } from "./journal-facts.ts";
import type { Trace } from "./subject.ts";

const row = workspaceRow("ws-1", { name: "shop", status: "RUNNING", instanceId: "i-1" });
const machine = { web: {} } as never;
const { environment } = instanceRow("ws-1", "i-1");
const running = instanceRow("ws-1", "i-1", { environment: { ...environment, machines: machine } });
const stopped = { ...running, desired: "stopped", stoppedAt: T0 } as const;

const created = event(1, newEvent("ws-1", null, { to: "created", data: { version: 1 } }));
const queued = event(2, newEvent("ws-1", "i-1", { to: "starting.queued" }));
const launching = event(3, newEvent("ws-1", "i-1", { to: "starting.launching" }), 2);
const events = [created, queued, launching];

const web: Trace = { workspaceId: "ws-1", name: "web", pid: 7, instanceId: "i-1" };
const process = { pid: 7, command: "sleep 600", instanceId: "i-1" };

const deleted = event(4, newEvent("ws-1", null, { to: "deleted", data: { version: 1 } }), 2);
/** After the workspace was deleted. */
const gone = {
  journal: { workspaces: [], instances: [], events: [created, deleted] },
  followed: { events: [...events, deleted], position: 4 },
  system: { processes: [], directories: [], leases: [], volumes: [] },
};

function event(position: number, fields: ReturnType<typeof newEvent>, sequence = 1): TroupeEvent {
  return { ...fields, position, sequence, failure: null };
}

/** What `shop` looks like where nothing is wrong: it was created and started, and runs. */
function evidence(
  change: {
    operations?: readonly Operation[];
    followed?: Partial<EventsFollowed>;
    output?: readonly (string | null)[];
    journal?: Partial<JournalFacts>;
    system?: Partial<SystemFacts>;
    traces?: Partial<SystemFacts["traces"]>;
  } = {},
): Evidence {
  const followed = {
    topic: "all",
    from: 0,
    events,
    position: 3,
    others: [],
    isOver: false,
    ...change.followed,
  } as const;
  const items = (change.output ?? []).map((text) => (text === null ? "gap" : { text }));
  return {
    history: {
      operations: change.operations ?? [told("create", 0), told("start", 2, { state: "starting.queued" })],
      events: [{ ...followed, events: [...followed.events], others: [...followed.others] }],
      outputs: [{ workspace: "shop", items, isOver: false }],
    },
    journal: { workspaces: [row], instances: [running], events, ...change.journal },
    system: {
      processes: [process],
      directories: ["i-1", "i-1.ref~"],
      leases: [{ instanceId: "i-1", port: "20000" }],
      volumes: ["ws-1"],
      traces: { starts: [web], installs: [], overlaps: [], ...change.traces },
      ...change.system,
    },
  };
}

/** An operation that begins at `at` and ends one later. */
function operation(verb: Verb, at: number, outcome: Outcome): Operation {
  return { client: "ann", verb, workspace: "shop", begunAt: at, endedAt: at + 1, outcome };
}

function told(verb: Verb, at: number, view: Partial<WorkspaceView> = {}): Operation {
  const instanceId = verb === "create" ? null : "i-1";
  const all = { id: "ws-1", version: 1, attributes: {}, instanceId, nextInstanceId: null, since: queued.at, ...view };
  return operation(verb, at, { type: "acknowledged", view: { state: "starting.queued", ...all } as WorkspaceView });
}

const unknown = (verb: Verb, at: number) => operation(verb, at, { type: "unknown" });
const refused = (verb: Verb, at: number, code: string) =>
  operation(verb, at, { type: "refused", code, message: "Cannot" });
const rulesOf = (violations: readonly { rule: string }[]) => violations.map(({ rule }) => rule);

test("nothing is found where nothing is wrong", () => {
  expect(checkAtRest(evidence())).toEqual([]);
});

describe("at every moment it is found that", () => {
  test.each<[string, Parameters<typeof evidence>[0]]>([
    ["an acknowledged create exists", { journal: { workspaces: [], events: [] }, followed: { events: [] } }],
    ["an acknowledged delete removes", { operations: [told("create", 0), told("delete", 2)] }],
    ["what was created is found", { operations: [told("create", 0), refused("get", 2, "WORKSPACE_NOT_FOUND")] }],
    [
      "what was deleted does not come back",
      {
        operations: [told("create", 0), told("delete", 2), told("get", 4)],
        ...gone,
      },
    ],
    ["an acknowledged start has led to an instance", { operations: [told("start", 0)], journal: { instances: [] } }],
    ["an acknowledged start names its instance", { operations: [told("start", 0, { instanceId: null })] }],
    ["an acknowledged stop is wanted for ever", { operations: [told("stop", 0)] }],
    ["an acknowledged version is kept", { operations: [told("get", 0, { version: 2 })] }],
    [
      "no two updates make the same version",
      { operations: [told("update", 0, { version: 1 }), told("update", 2, { version: 1 })] },
    ],
    ["an acknowledged update is kept", { operations: [told("update", 0, { attributes: { revision: "9" } })] }],
    ["what is answered is committed", { operations: [told("get", 0, { state: "running.steady" })] }],
    ["a command fails only for a reason of the caller's", { operations: [refused("stop", 0, "INTERNAL")] }],
    ["no command hangs", { operations: [{ ...told("get", 0), endedAt: 60_000 }] }],
    [
      "sequences have no holes",
      { journal: { events: [created, launching] }, followed: { events: [created, launching] } },
    ],
    [
      "nothing fails",
      { journal: { events: [created, queued, failing()] }, followed: { events: [created, queued, failing()] } },
    ],
    ["every change of a record is an event", { journal: { workspaces: [{ ...row, version: 2 }] } }],
    ["every deletion is an event", { operations: [unknown("create", 0)], journal: { workspaces: [] } }],
    ["no event is missing", { followed: { events: [created, launching] } }],
    ["no event is told twice, or late", { followed: { events: [created, queued, queued, launching] } }],
    [
      "what is told is committed",
      { followed: { events: [...events, event(4, newEvent("ws-1", "i-1"), 3)], position: 4 } },
    ],
    ["a subscription that resumes gets events and nothing else", { followed: { others: ["gap"] } }],
    ["no line is told twice", { output: ["i-1 0", "i-1 1", "i-1 1"] }],
    ["no line is missing without a gap", { output: ["i-1 0", "i-1 2"] }],
    ["output goes on", { output: ["i-1 0", "i-2 0", "i-1 1"] }],
    ["one machine of a workspace runs at a time", { traces: { overlaps: [web] } }],
    ["nothing is begun twice for an instance", { traces: { starts: [web, { ...web, pid: 8 }] } }],
    ["nothing is begun twice for an instance", { traces: { installs: [web, { ...web, pid: 8 }] } }],
    [
      "a stopped instance leaves nothing",
      { journal: { instances: [stopped] }, system: { directories: [], leases: [] } },
    ],
  ])("%s", (rule, change) => {
    expect(rulesOf(check(evidence(change)))).toContain(rule);
  });
});

describe("at rest it is found that", () => {
  const nothing = { processes: [], directories: [], leases: [] };

  test.each<[string, Parameters<typeof evidence>[0]]>([
    ["an acknowledged stop ends STOPPED", { operations: [told("stop", 0)] }],
    ["the last command decides", { operations: [told("start", 0), told("stop", 2)] }],
    ["a delete that was begun is finished", { journal: { workspaces: [{ ...row, deletingSince: T0 }] } }],
    ["what exists is of a live instance", { system: { leases: [{ instanceId: "i-2", port: "20001" }] } }],
    ["volumes go with their workspace", { system: { volumes: ["ws-1", "ws-2"] } }],
    ["a running workspace runs all its machines", { system: nothing }],
  ])("%s", (rule, change) => {
    expect(rulesOf(checkAtRest(evidence(change)))).toContain(rule);
  });
});

test("followers that were told different things are found", () => {
  const one = evidence({ ...gone, operations: [] });
  const [followed] = one.history.events;
  const other = { ...followed, events: [created, { ...queued, at: 1 }, launching, deleted] } as EventsFollowed;
  const both = { ...one, history: { ...one.history, events: [...one.history.events, other] } };

  expect(rulesOf(check(one))).toEqual([]);
  expect(rulesOf(check(both))).toEqual(["all followers are told the same"]);
});

describe("nothing is held against", () => {
  test.each<[string, Parameters<typeof evidence>[0]]>([
    ["a stop that may not have come through", { operations: [told("start", 0), unknown("stop", 2)] }],
    [
      "commands that were under way at the same time",
      { operations: [told("start", 0), { ...unknown("stop", 0), endedAt: 9 }] },
    ],
    [
      "a workspace that is gone after a delete whose answer was lost",
      { operations: [told("create", 0), unknown("delete", 2), refused("get", 4, "WORKSPACE_NOT_FOUND")], ...gone },
    ],
    ["lines that are left out, and said to be", { output: ["i-1 0", null, "i-1 7"] }],
  ])("%s", (_, change) => {
    expect(checkAtRest(evidence(change))).toEqual([]);
  });
});

function failing(): TroupeEvent {
  const { source } = launching;
  const failure = { class: "internal", code: "INTERNAL", message: "It broke", source, state: "x" } as const;
  return { ...launching, failure: { ...failure, at: 0, budgetMs: null, exit: null, lastLines: [] } };
}
