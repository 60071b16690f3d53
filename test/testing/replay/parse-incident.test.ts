import { expect, test } from "vitest";
import { parseIncident } from "../../../src/testing/replay/parse-incident.ts";
import { incidentOf, storyOf } from "./stories.ts";

const incident = await incidentOf(storyOf("it runs and is stopped"));

const problemsOf = (document: unknown): unknown => {
  try {
    parseIncident(typeof document === "string" ? document : JSON.stringify(document), '"x.json"');
    return [];
  } catch (error) {
    return (error as { problems?: unknown }).problems;
  }
};

test("what was exported can be read", () => {
  expect(parseIncident(JSON.stringify(incident), '"x.json"')).toEqual(incident);
});

test.each([
  ["no JSON", "{", [{ path: "", message: "it is not JSON" }]],
  ["a newer version", { ...incident, version: 2 }, [{ path: "version", message: "is 2, and only 1 is known here" }]],
  ["another format", { ...incident, format: "x" }, [{ path: "format", message: expect.any(String) }]],
  ["no events", { ...incident, events: undefined }, [{ path: "events", message: "is required" }]],
  [
    "an event without a state",
    { ...incident, events: [{ ...incident.events[0], to: 7 }] },
    [{ path: "events.0.to", message: "must be text, not 7" }],
  ],
  [
    "an event of nobody's",
    { ...incident, instances: [] },
    expect.arrayContaining([
      { path: "events.1.instanceId", message: expect.stringContaining("none of the instances") },
    ]),
  ],
])("%s is refused, with the place", (_, document, problems) => {
  expect(problemsOf(document)).toEqual(problems);
});
