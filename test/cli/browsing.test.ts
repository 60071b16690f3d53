import { describe, expect, test } from "vitest";
import { type Browsing, begin, press } from "../../src/cli/replay/browsing.ts";

const events = ["created", "queued", "web starting", "web running", "stopped"];
const browsed = {
  count: events.length,
  mentions: (index: number, text: string) => events[index]?.includes(text) ?? false,
};

/** Where the keys lead, from the first event. */
function lead(keys: readonly string[], from: Browsing = begin): Browsing {
  return keys.reduce((browsing, key) => press(browsing, key, browsed), from);
}

const typed = (text: string): string[] => [...text];

describe("going through an incident", () => {
  test.each([
    ["n goes on", ["n", "n"], 2],
    ["arrows go on", ["\u001b[C", "\u001b[B"], 2],
    ["p goes back", ["n", "n", "p"], 1],
    ["arrows go back", ["n", "n", "\u001b[D", "\u001b[A"], 0],
    ["g and a number go there", typed("g4\r"), 3],
    ["what was mistyped can be erased", typed("g9\u007f4\r"), 3],
    ["an escape takes it back", ["n", ...typed("g4\u001b")], 1],
    ["a text leads to the next event that mentions it", typed("/web\r"), 2],
    ["and the same again to the one after it", typed("/web\r/\r"), 3],
    ["and from the last round to the first", typed("/web\r/\r/\r"), 2],
    ["letters in a text are no commands", typed("/queued\r"), 1],
    ["other keys do nothing", ["n", "x", "\u001b[H"], 1],
  ])("%s", (_, keys, index) => {
    expect(lead(keys)).toMatchObject({ index, prompt: null, isOver: false });
  });

  test.each([
    ["before the first", ["p"], 0, "That was the first event"],
    ["behind the last", ["n", "n", "n", "n", "n"], 4, "That was the last event"],
    ["to a number that there is not", typed("g99\r"), 0, "There are events 1 to 5"],
    ["to no number", typed("gx\r"), 0, "There are events 1 to 5"],
    ["to a text that nobody mentions", typed("/dance\r"), 0, 'No event mentions "dance"'],
  ])("%s leads nowhere, and says so until the next key", (_, keys, index, message) => {
    const there = lead(keys);

    expect(there).toMatchObject({ index, message });
    expect(lead(["x"], there).message).toBeNull();
  });

  test.each(["q", "\u0003", "\u0004"])("%j ends it", (key) => {
    expect(lead([key]).isOver).toBe(true);
  });
});
