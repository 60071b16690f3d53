import { describe, expect, test } from "vitest";
import { Coverage } from "../../../src/testing/explore/coverage.ts";
import { hasBudget, leavesOf, transitionsOf } from "../../../src/testing/explore/transitions.ts";
import { unreachable } from "../../../src/testing/explore/unreachable.ts";

describe("transitionsOf()", () => {
  test("walks from the states that last to the states that last, through those that do not", () => {
    const machine = transitionsOf("machine");

    expect(machine).toContain("machine: begin → waiting");
    expect(machine).toContain("machine: running.bootstrap.ready → restarting.killing"); // through `crashed`
    expect(machine).toContain("machine: starting.booting → running.connection.held"); // into both regions
    expect([...machine].filter((name) => name.includes("deciding") || name.includes("crashed"))).toEqual([]);
  });

  test("gives what a state hears for all that are in it", () => {
    expect(transitionsOf("installer")).toContain("installer: active.awaitingServers → interrupted");
    expect([...transitionsOf("installer")].filter((name) => name.startsWith("installer: done"))).toEqual([]);
  });
});

test("leavesOf() takes parallel states apart", () => {
  expect(leavesOf("machine", "running.bootstrap.ready & connection.lost")).toEqual([
    "running.bootstrap.ready",
    "running.connection.lost",
  ]);
  expect(leavesOf("workspace", "starting.queued")).toEqual(["starting.queued"]);
});

test("hasBudget() knows the states that wait", () => {
  expect(hasBudget("workspace", "starting.queued")).toBe(true);
  expect(hasBudget("machine", "running.connection.lost")).toBe(true);
  expect(hasBudget("machine", "running.bootstrap.ready")).toBe(false);
  expect(hasBudget("workspace", "stopped")).toBe(false);
});

describe("what is out of reach", () => {
  test("is something that the charts have", () => {
    const { all } = new Coverage();

    expect([...unreachable.keys()].filter((name) => !all.has(name))).toEqual([]);
  });
});
