import { describe, expect, test } from "vitest";
import type { AnyStateNode } from "xstate";
import { charts, hasTag, isLeaf, pathOf, statesOf, transitionsOf } from "./charts.ts";
import { installerPlan, machinePlan, serverPlan, workspacePlan } from "./plans.ts";

const states = charts.flatMap(statesOf);
const leaves = states.filter(({ node }) => isLeaf(node));
const invocations = [...states, ...charts.map(({ id, root }) => ({ chart: id, state: "", node: root }))].flatMap(
  ({ chart, state, node }) => node.invoke.map((invoke) => ({ chart, state, node, invoke })),
);

/** Where a chart may stay for ever, because nothing that it waits for is bound to come. */
const resting = [
  "workspace stopped",
  "workspace running.steady",
  "machine running.bootstrap.ready",
  "machine running.connection.held",
  "machine stopped",
  "machine completed",
  "machine failed",
  "installer pending", // until its machine says so, and the machine's installing has a budget
  "server unknown", // likewise
  "server live.running",
  "server live.stopped",
];

const behaviourTags = ["busy", "away", "transient"];

function statusesOf(node: AnyStateNode): string[] {
  return pathOf(node).flatMap(({ tags }) => tags.filter((tag) => !behaviourTags.includes(tag)));
}

describe("every invocation", () => {
  test.each(invocations)("of $chart $state has an id, a named source and an answer to errors: $invoke.id", (one) => {
    const { chart, node, invoke } = one;
    const { actors } = charts.find(({ id }) => id === chart)?.implementations ?? { actors: {} };

    // Ids that XState makes begin with the position; ours are what the work is called.
    expect(invoke.id).toMatch(/^[a-z][a-zA-Z]+$/);
    expect(Object.keys(actors)).toContain(invoke.src);
    expect([...node.transitions.keys()]).toContain(`xstate.error.actor.${invoke.id}`);
  });

  test.each(invocations.filter(({ invoke }) => invoke.src === "deadline"))(
    "of a deadline leads out of $chart $state",
    ({ node, invoke }) => {
      const ways = node.transitions.get(`xstate.error.actor.${invoke.id}`) ?? [];

      expect(ways.length).toBeGreaterThan(0);
      // Without a guard, and to somewhere else: what is over has to end.
      expect(ways.every(({ guard, target }) => guard === undefined && target?.every((to) => to !== node))).toBe(true);
    },
  );
});

const contexts: Readonly<Record<string, object>> = {
  workspace: { plan: workspacePlan({ web: {} }) },
  machine: { plan: machinePlan("web") },
  installer: { plan: installerPlan("web", { id: "agent" }) },
  server: { plan: serverPlan("web", { name: "http" }) },
};

test.each(invocations.filter(({ invoke }) => invoke.src === "deadline"))(
  "the deadline of $chart $state is kept under the name of that state, and has a budget",
  ({ chart, state, invoke }) => {
    const context = { instanceId: "i-1", source: { kind: chart }, ...contexts[chart] };
    const input: unknown = typeof invoke.input === "function" ? invoke.input({ context } as never) : null;

    expect(input).toMatchObject({ instanceId: "i-1", source: { kind: chart }, budgetMs: expect.any(Number) });
    expect(input).toMatchObject({ state });
  },
);

describe("every state", () => {
  test.each(leaves.filter(({ node }) => hasTag(node, "busy")))("that waits has a budget: $chart $state", ({ node }) => {
    const isLimited = pathOf(node).some(
      ({ invoke, after }) => invoke.some(({ src }) => src === "deadline") || after.length > 0,
    );

    expect(isLimited).toBe(true);
  });

  test("waits, or is a place to rest: nothing hangs unnoticed", () => {
    const idle = leaves.filter(
      ({ node }) => node.type !== "final" && !hasTag(node, "busy") && !hasTag(node, "transient"),
    );

    expect(idle.map(({ chart, state }) => `${chart} ${state}`)).toEqual(resting);
  });

  test.each(leaves.filter(({ node }) => hasTag(node, "transient")))(
    "that is transient is left at once, come what may: $chart $state",
    ({ node }) => {
      expect(node.always?.at(-1)?.guard).toBeUndefined();
      expect(node.always?.length).toBeGreaterThan(0);
    },
  );

  test.each(leaves.filter(({ node }) => !hasTag(node, "transient")))("has one status: $chart $state", (one) => {
    // The connection of a machine is a region beside the one that tells the status.
    const count = one.state.startsWith("running.connection") ? 0 : 1;

    expect(statusesOf(one.node)).toHaveLength(count);
  });
});

/** What must be heard wherever a chart is. An ancestor may do the hearing. */
const commands = [
  ["workspace", "workspace.start"],
  ["workspace", "workspace.stop"],
  ["machine", "machine.stop"],
  ["machine", "machine.kill"],
  ["installer", "installer.interrupt"],
  ["server", "server.end"],
] as const;

describe.each(commands)("%s", (chart, command) => {
  const listening = leaves.filter(
    ({ chart: id, node }) => id === chart && node.type !== "final" && !hasTag(node, "transient"),
  );

  test.each(listening)(`hears ${command} in $state`, ({ node }) => {
    const heard = [...pathOf(node), node.machine.root].some(({ transitions }) => transitions.has(command));

    expect(heard).toBe(true);
  });
});

describe.each(charts.map((chart) => ({ id: chart.id, chart })))("the chart of the $id", ({ chart }) => {
  const nodes = [chart.root, ...statesOf(chart).map(({ node }) => node)];

  test("has no wildcard, which would swallow the errors of what it invoked", () => {
    expect(nodes.flatMap(({ events }) => events).filter((event) => event.includes("*"))).toEqual([]);
  });

  test("ends a loop of eventless transitions", () => {
    expect(chart.options?.maxIterations).toBeGreaterThan(0);
  });

  test("names every guard, so that a picture can be read", () => {
    const unnamed = nodes
      .flatMap(transitionsOf)
      .filter(({ guard }) => typeof guard === "function")
      .map(({ source, eventType }) => `${source.id} on ${eventType}`);

    expect(unnamed).toEqual([]);
  });
});
