import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { causeOf } from "../../machines/cause.ts";
import { describeExit, failureIn, stateName } from "../../machines/failure.ts";
import { exitOf, portFailure } from "./plans.ts";

const where = { source: { kind: "machine", machine: "web" }, state: { starting: "booting" } } as const;

describe("the failure in an event", () => {
  test("is the one that a child reports, as it is", () => {
    const failure = { code: "INSTALLER_FAILED" };

    expect(failureIn({ type: "installer.failed", failure }, where)).toBe(failure);
  });

  test("is what a port says of its error, with where it happened", () => {
    const error = portFailure("PORT_TAKEN", { class: "validation", at: 7, budgetMs: 5, lastLines: ["in use"] });

    expect(failureIn({ type: "xstate.error.actor.bootMachine", error }, where)).toEqual({
      ...error,
      source: where.source,
      state: "starting.booting",
      exit: null,
    });
  });

  test("is a fault of ours if the error is none that a port knows", () => {
    expect(failureIn({ type: "x", error: new RangeError("too deep") }, where)).toMatchObject({
      class: "internal",
      code: "INTERNAL",
      message: "too deep",
      at: null,
    });
  });

  property.prop([fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true })], {
    numRuns: 1_000,
  })("can be read from anything whatever: a chart may not throw", (event) => {
    expect(typeof failureIn(event, where)).toBe("object");
    expect(typeof failureIn({ type: "x", error: event }, where).message).toBe("string");
  });
});

test.each([
  ["stopped", "stopped"],
  [{ starting: "queued" }, "starting.queued"],
  [{ stopping: { destroying: "removing" } }, "stopping.destroying.removing"],
  [{ running: { bootstrap: "ready", connection: "held" } }, "running.bootstrap.ready & connection.held"],
])("the state %o is called %s", (value, name) => {
  expect(stateName(value)).toBe(name);
});

test.each([
  [null, "is gone, and nobody saw how it ended"],
  [exitOf(null), "is gone, and nobody saw how it ended"],
  [exitOf(3), "exited with code 3"],
  [exitOf(null, 0, { signal: "SIGKILL" }), "was ended by SIGKILL"],
  [exitOf(null, 0, { signal: "SIGKILL", oomKilled: true }), "was killed because it was out of memory"],
])("an exit is told in words: %o", (exit, words) => {
  expect(describeExit(exit)).toBe(words);
});

test.each([
  ["xstate.init", "begun"],
  ["xstate.done.actor.prepare", "prepare done"],
  ["xstate.error.actor.prepare", "prepare failed"],
  ["xstate.error.actor.deadline", "deadline reached"],
  ["xstate.error.actor.checkDeadline", "deadline reached"],
  ["xstate.after.backoff.machine.restarting.pausing", "after backoff"],
  ["workspace.stop", "workspace.stop"],
  ["watch.exited", "watch.exited"],
])("the cause %s is told as: %s", (type, words) => {
  expect(causeOf(type)).toBe(words);
});
