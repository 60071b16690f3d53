import { describe, expect, test } from "vitest";
import { createActor, fromPromise, setup } from "xstate";
import { serverLogic } from "../../machines/server.ts";
import { type Transition, transitionTap } from "../../src/supervisor/tap.ts";
import { exitOf, machinePlan, newMachine, runOf, workspacePlan } from "../machines/plans.ts";
import { Stage } from "../machines/stage.ts";

const stop = { type: "workspace.stop", reason: { by: "user", message: "Asked to" }, force: false };

async function running(): Promise<Stage> {
  const stage = Stage.workspace();
  stage.send({
    type: "workspace.start",
    run: runOf("i-1", workspacePlan({ web: { installers: ["agent"] } })),
  } as never);
  await stage.finishAll();
  return stage;
}

const lines = (transitions: readonly Transition[]): string[] =>
  transitions.map(({ source, from, to, cause }) => {
    const who =
      source.kind === "workspace" ? "workspace" : `${source.kind} ${"name" in source ? source.name : source.machine}`;
    return `${who}: ${from ?? "–"} → ${to}, ${cause}`;
  });

describe("the tap", () => {
  test("tells a start and a stop from one state that is shown to the next, and why, in words", async () => {
    const stage = await running();
    stage.send(stop);
    await stage.finishAll();

    expect(lines(stage.transitions)).toEqual([
      "workspace: – → starting.queued, workspace.start",
      "workspace: starting.queued → starting.preparing, admit done",
      "machine web: – → waiting, begun",
      "workspace: starting.preparing → starting.launching, prepare done",
      "machine web: waiting → starting.image, machine.start",
      "machine web: starting.image → starting.creating, fetchImage done",
      "machine web: starting.creating → starting.booting, createMachine done",
      "installer agent: – → pending, begun",
      "machine web: starting.booting → running.bootstrap.installing & connection.held, bootMachine done",
      "workspace: starting.launching → starting.initializing, machine.booted",
      "installer agent: pending → active.running, installer.run",
      "installer agent: active.running → active.awaitingServers, runScript done",
      "installer agent: active.awaitingServers → done, awaitServers done",
      "machine web: running.bootstrap.installing & connection.held → running.bootstrap.ready & connection.held, installer.done",
      "workspace: starting.initializing → running.steady, machine.ready",
      "workspace: running.steady → stopping.halting, workspace.stop",
      "machine web: running.bootstrap.ready & connection.held → stopping.terminating, machine.stop",
      "machine web: stopping.terminating → stopping.removing, stopMachine done",
      "machine web: stopping.removing → stopped, removeMachine done",
      "workspace: stopping.halting → stopping.destroying.removing, machine.stopped",
      "workspace: stopping.destroying.removing → stopped, destroy done",
    ]);
  });

  test("says that a budget was used up, that work failed, that a pause is over", async () => {
    const stage = Stage.machine({ plan: machinePlan("web"), found: { ...newMachine, was: "ready", is: "running" } });
    const exit = exitOf(1, stage.clock.now());
    stage.tell("watchMachine web", { type: "watch.exited", exit, at: exit.at, lastLines: [] } as never);
    await stage.finish("killMachine web");
    await stage.finish("removeMachine web");
    stage.clock.advance(100);
    await stage.expire("web starting.image");
    await stage.fail("killMachine web");

    expect(stage.transitions.map(({ cause }) => cause)).toEqual([
      "begun",
      "watch.exited",
      "killMachine done",
      "removeMachine done",
      "after backoff",
      "deadline reached",
      "killMachine failed",
    ]);
  });

  test("shows nothing of a workspace that has no instance", () => {
    const stage = Stage.workspace();

    stage.send(stop);

    expect(stage.transitions).toEqual([]);
  });

  test("tells nothing when nothing has changed", async () => {
    const stage = await running();
    const before = stage.transitions.length;

    stage.send({ type: "workspace.start", run: runOf("i-2", workspacePlan({})) } as never);
    stage.actor.send({ type: "nobody.knows" });

    expect(stage.transitions).toHaveLength(before);
  });

  test("takes status, failure and what else is worth telling from the chart, and nothing more", async () => {
    const stage = await running();

    expect(stage.transitions.at(-1)).toEqual({
      instanceId: "i-1",
      source: { kind: "workspace" },
      from: "starting.initializing",
      to: "running.steady",
      status: "RUNNING",
      cause: "machine.ready",
      failure: null,
      data: { stopReason: null, nextInstanceId: null, relaunches: [] },
    });
    expect(JSON.parse(JSON.stringify(stage.transitions))).toEqual(stage.transitions);
  });

  test("begins anew with the next instance", async () => {
    const stage = await running();
    stage.send(stop);
    stage.send({ type: "workspace.start", run: runOf("i-2", workspacePlan({ web: {} })) } as never);
    await stage.finishAll();

    expect(stage.transitions.find(({ instanceId }) => instanceId === "i-2")).toMatchObject({
      from: null,
      to: "starting.queued",
    });
  });

  test("keeps an error of its report away from the actor", () => {
    const errors: unknown[] = [];
    const tap = transitionTap(
      () => {
        throw new Error("disk full");
      },
      (error) => errors.push(error),
    );
    const logic = serverLogic.provide({ actors: {} });
    const input = {
      instanceId: "i-1",
      url: null,
      found: "unknown",
      inbox: null,
      plan: { machine: "web", name: "http" },
    };
    const actor = createActor(logic, { input: input as never, inspect: tap }).start();

    actor.send({ type: "server.end" });

    expect(actor.getSnapshot()).toMatchObject({ status: "done", value: "ended" });
    expect(errors).toMatchObject([{ message: "disk full" }, { message: "disk full" }]);
  });

  test("passes over what a chart invokes: a promise has no state to show", async () => {
    const seen: Transition[] = [];
    const logic = setup({ actors: { work: fromPromise(async () => 1) } }).createMachine({
      context: { instanceId: "i-1", source: { kind: "workspace" }, failure: null, stopReason: null, next: null },
      initial: "on",
      states: { on: { tags: ["RUNNING"], invoke: { src: "work", id: "work", onDone: "off" } }, off: {} },
    });
    const actor = createActor(logic, {
      inspect: transitionTap(
        (one) => seen.push(one),
        () => {},
      ),
    }).start();
    await new Promise((resolve) => setImmediate(resolve));

    actor.stop();

    expect(seen.map(({ to, status }) => [to, status])).toEqual([
      ["on", "RUNNING"],
      ["off", "UNKNOWN"],
    ]);
  });
});
