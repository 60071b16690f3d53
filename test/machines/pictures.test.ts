import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { setup } from "xstate";
import { mermaidOf } from "../../src/testing/mermaid.ts";
import { pictureOf } from "./architecture-pictures.ts";
import { charts } from "./charts.ts";

const text = readFileSync(new URL("../../ARCHITECTURE.md", import.meta.url), "utf8");

describe("ARCHITECTURE.md", () => {
  test.each(charts.map((chart) => ({ id: chart.id, chart })))(
    "draws the $id as it is; if not: node --import tsx test/machines/draw.ts",
    ({ chart }) => {
      expect(text).toContain(pictureOf(chart));
    },
  );
});

test("a picture shows states, what leads from one to the other, and why", () => {
  const door = setup({ guards: { isLocked: () => false } }).createMachine({
    id: "door",
    initial: "deciding",
    on: { "door.remove": ".gone", "door.knock": {} },
    states: {
      deciding: { tags: ["transient"], always: [{ guard: "isLocked", target: "shut.locked" }, { target: "open" }] },
      open: { on: { "door.close": "shut", "door.slam": "shut" }, after: { 500: "shut" } },
      shut: {
        initial: "closed",
        on: { "door.open": [{ guard: "isLocked" }, { target: "open" }] },
        states: { closed: { on: { "door.lock": "locked" } }, locked: {} },
      },
      gone: { type: "final" },
    },
  });

  expect(mermaidOf(door)).toBe(
    `
stateDiagram-v2
  state deciding <<choice>>
  state "open" as open
  state "shut" as shut {
    state "closed" as shut_closed
    state "locked" as shut_locked
    [*] --> shut_closed
    shut_closed --> shut_locked: door.lock
  }
  state "gone" as gone
  [*] --> deciding
  gone --> [*]
  note right of gone : from any state on door.remove
  deciding --> shut_locked: [is locked]
  deciding --> open: [otherwise]
  open --> shut: door.close, door.slam, after 500
  shut --> open: door.open [otherwise]
`.trim(),
  );
});
