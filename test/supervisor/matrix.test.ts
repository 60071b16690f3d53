import { describe, expect, test } from "vitest";
import type { TroupeEvent } from "../../src/model/workspace.ts";
import type { Answer } from "../../src/testing/matrix/answer.ts";
import { type Happening, happenings } from "../../src/testing/matrix/happening.ts";
import type { MatrixRow } from "../../src/testing/matrix/interruption-matrix.ts";
import { lifecycleMatrices } from "../../src/testing/matrix/lifecycle-matrices.ts";
import { answerWords } from "../../src/testing/matrix/words.ts";
import { type Case, casesOf } from "./matrix/cases.ts";
import { happen, prepare } from "./matrix/happen.ts";
import { Scene } from "./matrix/scene.ts";
import { rowOf, type Way, ways } from "./matrix/ways.ts";

const rows = new Map<string, MatrixRow<Happening>["cells"]>(
  lifecycleMatrices().flatMap(({ chart, rows }) => rows.map((row) => [`${chart} ${row.state}`, row.cells] as const)),
);

const cases = casesOf(rows);

/** Answers that came true, by cell. */
const seen = new Map<string, Set<string>>();
let ran = 0;

describe("the interruption matrix comes true", () => {
  test("in every state that the charts can be in", () => {
    const reached = new Set(ways.map(rowOf));

    expect([...rows.keys()].filter((row) => !reached.has(row))).toEqual([]);
    expect([...reached].filter((row) => !rows.has(row))).toEqual([]);
  });

  test.each(cases)("$name", comesTrue);

  test("with every answer, but for those that take more than one thing to go wrong", ({ skip }) => {
    skip(ran < cases.length, "not every case was run");
    const unseen = [...rows].flatMap(([row, cells]) =>
      happenings.flatMap((happening) =>
        cells[happening]
          .filter(({ kind }) => kind !== "impossible")
          .map(answerWords)
          .filter((words) => !seen.get(`${row} × ${happening}`)?.has(words))
          .map((words) => `${row} × ${happening}: ${words}`),
      ),
    );

    expect(unseen).toEqual([
      // The last machine of several fails while it is being ended.
      "workspace starting.relaunching × machine crash: starting.launching (all ended)",
      "workspace stopping.halting × machine crash: stopping.destroying.removing (all ended)",
      // A crash ends its script too; here whoever watches the machine always hears of it first.
      "installer active.running × machine crash: failed (otherwise)",
      // Looked at when three probes have missed, and not after the first.
      "server live.running × infrastructure lost: stays, counted, noted (otherwise)",
      // Another server of the machine has not got ready yet.
      "server live.running × supervisor crash: unknown (its machine had not got ready)",
      "server live.stopped × supervisor crash: unknown (its machine had not got ready)",
    ]);
  });
});

async function comesTrue(one: Case): Promise<void> {
  ran += 1;
  const { cell, way, happening, variant, answers } = one;
  const scene = await Scene.open({ ...way.sketch, ...variant.sketch });
  await prepare(happening, scene);
  const gate = await way.go(scene);
  expect(scene.stateOf(way.source)).toBe(way.state);
  const { position } = scene;

  await variant.before?.(scene);
  await happen(one, scene, gate);

  const event = await next(scene, way, position, answers);
  const come = answers.filter((answer) => fits(answer, event));
  expect(come, `${told(event)} is none of: ${answers.map(answerWords).join(" | ")}`).not.toEqual([]);
  if (cell.endsWith("start again") && come.some(({ kind }) => kind === "stays")) {
    expect(scene.view.nextInstanceId).not.toBeNull();
  }
  seen.set(cell, new Set([...(seen.get(cell) ?? []), ...come.map(answerWords)]));

  await expectGoodEnd(scene);
}

/** What the actor does first; where it must do something, however much later. */
async function next(
  scene: Scene,
  { source }: Way,
  after: number,
  answers: readonly Answer[],
): Promise<TroupeEvent | null> {
  const first = (): TroupeEvent | undefined => scene.eventsOf(source, after)[0];
  if (answers.every(({ kind }) => kind === "goes")) await scene.clock.runUntil(() => first() !== undefined, 60_000);
  else await scene.clock.settle();
  return first() ?? null;
}

function fits(answer: Answer, event: TroupeEvent | null): boolean {
  if (answer.kind !== "goes") return event === null && answer.kind !== "missing";
  return event !== null && event.to === answer.to && answer.on.includes(event.cause);
}

function told(event: TroupeEvent | null): string {
  return event === null ? "staying" : `going to ${event.to} by "${event.cause}"`;
}

/** Once nothing stands in its way, it runs as wanted or has stopped, and nothing else is there; then it can be stopped. */
async function expectGoodEnd(scene: Scene): Promise<void> {
  const { laboratory, clock } = scene;
  const isAtRest = (): boolean => {
    const { state, status, nextInstanceId } = scene.view;
    return nextInstanceId === null && (status === "STOPPED" || state === "running.steady");
  };
  scene.relieve();
  await clock.runUntil(isAtRest, 3_600_000);
  await clock.advanceAsync(70_000);
  const { status, desired, instanceId } = scene.view;
  expect(isAtRest()).toBe(true);
  expect(status).toBe(desired === "running" ? "RUNNING" : "STOPPED");
  const others = laboratory.supervisor.list().rows.filter(({ name }) => name !== "w");
  expect(laboratory.left.filter((id) => others.every((other) => other.instanceId !== id))).toEqual(
    status === "RUNNING" ? [instanceId] : [],
  );

  for (const { name } of laboratory.supervisor.list().rows) laboratory.supervisor.stop(name);
  await clock.runUntil(() => laboratory.supervisor.list().rows.every((one) => one.status === "STOPPED"), 600_000);
  await clock.advanceAsync(70_000);
  expect(laboratory.left).toEqual([]);
  expect(laboratory.supervisor.leaks()).toEqual([]);
  expect(laboratory.infrastructure.world().ports).toEqual([]);
  expect(laboratory.infrastructure.violations).toEqual([]);
}
