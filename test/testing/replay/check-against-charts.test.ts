import { describe, expect, test } from "vitest";
import type { TroupeEvent } from "../../../src/model/workspace.ts";
import { checkAgainstCharts } from "../../../src/testing/replay/check-against-charts.ts";
import { incidentOf, stories, storyOf } from "./stories.ts";

describe("the charts allow all that happens when", () => {
  test.each(Object.entries(stories))("%s", async (_, story) => {
    expect(checkAgainstCharts(await incidentOf(story))).toEqual([]);
  });
});

describe("the charts do not allow", async () => {
  const { events } = await incidentOf(storyOf("it runs and is stopped"));
  const indexOf = (to: string): number => events.findIndex((event) => event.to === to);

  /** What is objected to when the event that leads to `to` is another one. */
  function objectionsTo(to: string, change: Partial<TroupeEvent>) {
    const index = indexOf(to);
    const changed = events.map((event, at) => (at === index ? { ...event, ...change } : event));
    return { index, objections: checkAgainstCharts({ events: changed }) };
  }

  test.each([
    ["a state that no chart has", "starting.preparing", { to: "starting.dancing" }, 'has no state "starting.dancing"'],
    ["a way that is too short", "starting.launching", { to: "running.steady", status: "RUNNING" }, "does not lead to"],
    ["a cause that leads elsewhere", "starting.creating", { cause: "removeMachine done" }, "it leads nowhere there"],
    ["a status of another state", "starting.booting", { status: "RUNNING" }, "the status is STARTING, not RUNNING"],
    ["a beginning in the middle", "waiting", { to: "starting.image" }, "In a new actor"],
    ["a state that is left without being entered", "stopping.halting", { from: "running.interrupted" }, "was in"],
  ])("%s", (_, to, change, reason) => {
    const { index, objections } = objectionsTo(to, change);

    expect(objections[0]).toMatchObject({ index, reason: expect.stringContaining(reason) });
  });

  test("an event that is missing", () => {
    const index = indexOf("starting.creating");
    const [objection] = checkAgainstCharts({ events: events.toSpliced(index, 1) });

    expect(objection).toMatchObject({ event: { from: "starting.creating", to: "starting.booting" } });
    expect(objection?.reason).toBe('It begins in "starting.creating", but the actor was in "starting.image"');
  });

  test("what a crashed actor is said to have done", () => {
    const { objections } = objectionsTo("starting.launching", {
      to: "stopped",
      cause: "actor crashed",
      status: "STOPPED",
    });

    expect(objections[0]?.reason).toContain('"actor crashed" does not lead to "stopped"');
  });
});
