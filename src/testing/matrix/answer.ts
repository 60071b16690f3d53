import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  type EventObject,
  getMicrosteps,
  getNextTransitions,
  initialTransition,
} from "xstate";
import { causeOf } from "../../../machines/cause.ts";
import { stateName } from "../../../machines/failure.ts";
import { guardWords } from "../guard-words.ts";
import { comparable } from "./comparable.ts";
import type { Reading } from "./reading.ts";
import type { MatrixSubject } from "./subject.ts";

/** What a chart does about a happening. */
export type Answer =
  /** It leaves for `to`. `when` is empty where it always does. */
  | { readonly kind: "goes"; readonly to: string; readonly on: readonly string[]; readonly when: readonly string[] }
  /** It stays, and keeps something in mind: all that it may keep, such as `kept as next`. */
  | {
      readonly kind: "stays";
      readonly as: readonly string[];
      readonly on: readonly string[];
      readonly when: readonly string[];
    }
  | { readonly kind: "ignored"; readonly why: string }
  | { readonly kind: "impossible"; readonly why: string }
  /** Nothing comes of it, and nobody says why. */
  | { readonly kind: "missing"; readonly on: readonly string[] };

/** What the chart does in this very snapshot: one answer for each way in which it may hear of it. */
export function answersTo(
  logic: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  reading: Reading,
  changes: NonNullable<MatrixSubject["changes"]>,
): Answer[] {
  switch (reading.kind) {
    case "impossible":
      return [reading];
    case "begins":
      return reading.inputs.map(({ input, when }) => {
        const [{ value }] = initialTransition(logic, input);
        return { kind: "goes", to: stateName(value), on: [causeOf("xstate.init")], when: [when] };
      });
    case "told": {
      const { events, otherwise } = reading;
      const nothing: Answer = otherwise === null ? { kind: "missing", on: [] } : { kind: "ignored", why: otherwise };
      if (events.length === 0) return [nothing];
      return events.map((event) => {
        const answer = answerTo(logic, snapshot, event, changes);
        return answer.kind === "missing" && otherwise !== null ? nothing : answer;
      });
    }
  }
}

function answerTo(
  logic: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  event: EventObject,
  changes: NonNullable<MatrixSubject["changes"]>,
): Answer {
  const on = [causeOf(event.type)];
  // What has ended hears nothing.
  if (snapshot.status !== "active") return { kind: "missing", on };
  const taken = logic.getTransitionData(snapshot, event as never);
  const steps = getMicrosteps(logic, snapshot, event).map(([after]) => after);
  const after = steps.at(-1);
  if (after === undefined) return { kind: "missing", on };
  const conditions = [whenTaken(taken), ...eventless(steps)];
  // What is passed within the step is shown all the same, transient states apart: an observer sees the first.
  const shown = steps.findIndex(
    ({ value, tags }) => !tags.has("transient") && stateName(value) !== stateName(snapshot.value),
  );
  const first = steps[shown];
  if (first !== undefined) {
    return { kind: "goes", to: stateName(first.value), on, when: conditionOf(conditions.slice(0, shown + 1)) };
  }
  const again = taken.some(({ target }) => target !== undefined) ? ["entered again"] : [];
  const noted = changed(snapshot.context, after.context).map((key) => changes[key]?.(after.context[key]) ?? "noted");
  const as = [...new Set([...again, ...noted])];
  return as.length === 0 ? { kind: "missing", on } : { kind: "stays", as, on, when: conditionOf(conditions) };
}

/** One condition out of those of the steps. Where a later step has one, `otherwise` in an earlier one says nothing. */
function conditionOf(steps: readonly string[]): string[] {
  const words = steps.filter((step) => step !== "");
  const telling = words.filter((step) => step !== "otherwise");
  if (telling.length > 0) return [telling.join(", then ")];
  return words.length > 0 ? ["otherwise"] : [];
}

type Taken = ReturnType<AnyStateMachine["getTransitionData"]>;

function whenTaken(taken: Taken): string {
  const words = taken.map((one) => {
    const alternatives = one.source.transitions.get(one.eventType) ?? [];
    return guardWords(one, alternatives.indexOf(one));
  });
  return words.filter((word) => word !== "").join(" and ");
}

/** When the eventless transitions were taken that followed; those out of states that are passed at once. */
function eventless(steps: readonly AnyMachineSnapshot[]): string[] {
  return steps.slice(1).map((after, index) => {
    const before = steps[index];
    if (before === undefined) return "";
    const entered: readonly AnyStateNode[] = after._nodes;
    const candidates = getNextTransitions(before).filter(({ eventType }) => eventType === "");
    const chosen = candidates.find(({ target }) => target?.every((node) => entered.includes(node)));
    if (chosen === undefined) return "";
    const alternatives = candidates.filter(({ source }) => source === chosen.source);
    return guardWords(chosen, alternatives.indexOf(chosen));
  });
}

function changed(before: object, after: object): string[] {
  const earlier = new Map(Object.entries(before));
  return Object.entries(after)
    .filter(([key, value]) => value !== earlier.get(key) && comparable(value) !== comparable(earlier.get(key)))
    .map(([key]) => key);
}
