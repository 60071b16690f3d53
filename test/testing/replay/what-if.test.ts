import { describe, expect, test } from "vitest";
import type { Incident } from "../../../src/model/incident.ts";
import { type Change, parseChange } from "../../../src/testing/replay/change.ts";
import { checkAgainstCharts } from "../../../src/testing/replay/check-against-charts.ts";
import { whatIf } from "../../../src/testing/replay/what-if.ts";
import { incidentOf, stories, storyOf } from "./stories.ts";

function change(text: string): Change {
  const parsed = parseChange(text);
  if (parsed === undefined) throw new Error(`"${text}" is no change`);
  return parsed;
}

/** Its number, as `--what-if` counts. */
const numberOf = ({ events }: Incident, to: string, machine?: string): number =>
  events.findIndex(
    (event) =>
      event.to === to && (machine === undefined || ("machine" in event.source && event.source.machine === machine)),
  ) + 1;

describe("a story is rebuilt to its end without a difference", () => {
  test.each(Object.entries(stories))("when %s", async (_, story) => {
    const incident = await incidentOf(story);

    const { differences, after } = await whatIf(incident, change(`stop@${incident.events.length}`));

    expect(differences).toEqual([]);
    expect(after).toBe(incident.events.length);
  });
});

describe("what follows", () => {
  test("a stop after any event of a start: the workspace stops, by ways that the charts have", async () => {
    const incident = await incidentOf(storyOf("it runs and is stopped"));
    const running = numberOf(incident, "running.steady");

    for (let number = 2; number <= running; number += 1) {
      const { differences, events, view, isAtRest, after } = await whatIf(incident, change(`stop@${number}`));

      expect(differences).toEqual([]);
      expect(isAtRest).toBe(true);
      expect(view).toMatchObject({ status: "STOPPED", failure: null, stopReason: { by: "user" } });
      expect(checkAgainstCharts({ events: [...incident.events.slice(0, after), ...events] })).toEqual([]);
    }
  });

  test("a forced stop: machines are killed and not asked", async () => {
    const incident = await incidentOf(storyOf("it runs and is stopped"));

    const { events } = await whatIf(incident, change(`force@${numberOf(incident, "running.steady")}`));

    expect(events.filter(({ cause }) => cause === "machine.kill")).toHaveLength(2);
    expect(events.some(({ cause }) => cause === "machine.stop")).toBe(false);
  });

  test("a crash: the machine is restarted, and the workspace runs again", async () => {
    const incident = await incidentOf(storyOf("it runs and is stopped"));

    const { events, view } = await whatIf(incident, change(`crash:web@${numberOf(incident, "running.steady")}`));

    expect(events[0]).toMatchObject({ cause: "watch.exited", to: "restarting.killing" });
    expect(view).toMatchObject({ status: "RUNNING", state: "running.steady", machines: { web: { restarts: 1 } } });
  });

  test("a crash when the restarts are used up: the workspace stops with the failure", async () => {
    const incident = await incidentOf(storyOf("a machine crashes and comes back"));
    const number = incident.events.findLastIndex(({ to }) => to === "running.steady") + 1;

    const { view } = await whatIf(incident, change(`crash:web@${number}`));

    expect(view).toMatchObject({ status: "STOPPED", failure: { code: "MACHINE_EXITED" } });
  });

  test("a deadline: what is under way never settles, and its budget ends it", async () => {
    const incident = await incidentOf(storyOf("it runs and is stopped"));
    const number = numberOf(incident, "starting.booting", "db");

    const { events, view } = await whatIf(incident, change(`deadline@${number}`));

    expect(events[0]).toMatchObject({ from: "starting.booting", cause: "deadline reached" });
    expect(view).toMatchObject({ status: "STOPPED", failure: { code: "DEADLINE_EXCEEDED", budgetMs: 60_000 } });
  });

  test("a start once it has stopped: it runs again, as another instance", async () => {
    const incident = await incidentOf(storyOf("it runs and is stopped"));

    const { view } = await whatIf(incident, change(`start@${incident.events.length}`));

    expect(view.status).toBe("RUNNING");
    expect(view.instanceId).not.toBe(incident.instances[0]?.instanceId);
  });

  test("a start while it runs: nothing", async () => {
    const incident = await incidentOf(storyOf("it runs and is stopped"));

    expect((await whatIf(incident, change(`start@${numberOf(incident, "running.steady")}`))).events).toEqual([]);
  });
});

describe("what cannot be rebuilt", () => {
  test("is told, event by event", async () => {
    const incident = await incidentOf(storyOf("it runs and is stopped"));
    const index = numberOf(incident, "starting.creating") - 1;
    const events = incident.events.map((event, at) => (at === index ? { ...event, to: "starting.dancing" } : event));

    const { differences } = await whatIf({ ...incident, events }, change(`stop@${index + 1}`));

    expect(differences).toMatchObject([
      { index, message: "it does not happen here" },
      { index: null, event: { to: "starting.creating" }, message: "it happens here alone" },
    ]);
  });

  test.each([
    ["an event that there is not", "stop@1000", /there are \d+ events/],
    ["a crash of what does not run", "crash:web@5", /machine "web" does not run there/],
    ["a crash of what is no machine", "crash:nobody@30", /machine "nobody" does not run there/],
    ["a deadline where nothing waits", "deadline@26", /nothing waits there/],
  ])("%s is refused", async (_, text, message) => {
    const incident = await incidentOf(storyOf("it runs and is stopped"));
    const number = text === "deadline@26" ? numberOf(incident, "running.steady") : undefined;

    const asked = number === undefined ? text : `deadline@${number}`;

    await expect(whatIf(incident, change(asked))).rejects.toMatchObject({
      code: "REQUEST_INVALID",
      message: expect.stringMatching(message),
    });
  });

  test("an instance whose beginning is not in the record is refused", async () => {
    const incident = await incidentOf(storyOf("it runs and is stopped"));
    const events = incident.events.slice(10);

    await expect(whatIf({ ...incident, events }, change("stop@5"))).rejects.toMatchObject({ code: "REQUEST_INVALID" });
  });

  test("an instance after one whose beginning is not in the record can be rebuilt all the same", async () => {
    const incident = await incidentOf(storyOf("it is stopped while it starts, by force, and started again meanwhile"));
    const events = incident.events.slice(5);

    const { differences, view } = await whatIf({ ...incident, events }, change(`stop@${events.length}`));

    expect(differences).toMatchObject([{ message: 'here it is caused by "workspace.start"' }]);
    expect(view.status).toBe("STOPPED");
  });
});

test.each(["stop", "stop@", "stop@0", "stop@x", "stop:web@3", "crash@3", "crash:@3", "dance@3", "stop@1.5"])(
  '"%s" is no change',
  (text) => {
    expect(parseChange(text)).toBeUndefined();
  },
);
