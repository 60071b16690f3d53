import { stateName } from "../../../machines/failure.ts";
import { type Answer, answersTo } from "./answer.ts";
import { reach } from "./reach.ts";
import type { MatrixSubject, Moment } from "./subject.ts";

/** What one chart does about every happening in every state that it can be in. Plain data. */
export interface InterruptionMatrix<Happening extends string = string> {
  readonly chart: string;
  readonly rows: readonly MatrixRow<Happening>[];
}

export interface MatrixRow<Happening extends string = string> {
  /** As everywhere: `starting.launching`; parallel regions joined by ` & `. */
  readonly state: string;
  /** All that the chart may do, whatever its context; `missing` where neither it nor the subject says anything. */
  readonly cells: Readonly<Record<Happening, readonly Answer[]>>;
}

/**
 * Says what comes of every interruption, by walking the chart and by pure transitions from every snapshot that it reaches.
 *
 * @example
 * ```ts
 * const matrix = interruptionMatrix({
 *   chart: "door",
 *   logic: doorLogic,
 *   beginnings: [{ input: undefined }],
 *   readings: { knock: () => told([{ type: "knock" }], "nobody is at home") },
 * });
 * ```
 */
export function interruptionMatrix<Happening extends string>(
  subject: MatrixSubject<Happening>,
): InterruptionMatrix<Happening> {
  const moments = new Map<string, Moment[]>();
  for (const moment of reach(subject)) {
    const state = stateName(moment.snapshot.value);
    moments.set(state, [...(moments.get(state) ?? []), moment]);
  }
  const rows = [...moments].map(([state, inState]) => ({ state, cells: cellsOf(subject, inState) }));
  return { chart: subject.chart, rows: inOrder(subject, rows) };
}

/** Cells that nobody says anything about: `machine starting.image × stop (machine.stop)`. */
export function missingCells({ chart, rows }: InterruptionMatrix): string[] {
  return rows.flatMap(({ state, cells }) =>
    Object.entries(cells).flatMap(([happening, answers]) =>
      answers.flatMap((answer) =>
        answer.kind === "missing" ? [`${chart} ${state} × ${happening} (${answer.on.join(", ")})`] : [],
      ),
    ),
  );
}

function cellsOf<Happening extends string>(
  { logic, readings, changes = {} }: MatrixSubject<Happening>,
  moments: readonly Moment[],
): MatrixRow<Happening>["cells"] {
  const entries = Object.entries<MatrixSubject["readings"][string]>(readings).map(([happening, reading]) => {
    const answers = moments.flatMap((moment) => answersTo(logic, moment.snapshot, reading(moment), changes));
    return [happening, summary(answers)] as const;
  });
  return Object.fromEntries(entries) as unknown as MatrixRow<Happening>["cells"];
}

/** Each answer once. What is impossible only sometimes does not matter; a condition does only where there is a choice. */
function summary(answers: readonly Answer[]): Answer[] {
  const possible = answers.filter(({ kind }) => kind !== "impossible");
  const distinct = new Map<string, Answer>();
  for (const answer of possible.length > 0 ? possible : answers) {
    const key = keyOf(answer);
    distinct.set(key, merged(distinct.get(key), answer));
  }
  const all = [...distinct.values()];
  return all.length > 1 ? all : all.map((one) => ("when" in one ? { ...one, when: [] } : one));
}

function keyOf(answer: Answer): string {
  switch (answer.kind) {
    case "goes":
      return `goes ${answer.to}`;
    case "stays":
    case "missing":
      return answer.kind;
    default:
      return `${answer.kind} ${answer.why}`;
  }
}

function merged(known: Answer | undefined, other: Answer): Answer {
  if (known === undefined || !("on" in known) || !("on" in other)) return known ?? other;
  const on = union(known.on, other.on);
  if (!("when" in known) || !("when" in other)) return { ...known, on };
  const both = { ...known, on, when: union(known.when, other.when) };
  return both.kind === "stays" && other.kind === "stays" ? { ...both, as: union(both.as, other.as) } : both;
}

function union(some: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...some, ...more])].sort();
}

/** As the chart declares its states. */
function inOrder<Row extends { readonly state: string }>({ logic }: MatrixSubject, rows: readonly Row[]): Row[] {
  const position = (state: string): number[] => {
    let places: number[] = [];
    let states = logic.root.states;
    for (const key of state.split(/[.& ]+/)) {
      const place = Object.keys(states).indexOf(key);
      places = [...places, place];
      states = states[key]?.states ?? states;
    }
    return places;
  };
  return rows.toSorted((a, b) => compare(position(a.state), position(b.state)) || a.state.localeCompare(b.state));
}

function compare(some: readonly number[], others: readonly number[]): number {
  const index = some.findIndex((place, at) => place !== others[at]);
  return index < 0 ? some.length - others.length : (some[index] ?? 0) - (others[index] ?? 0);
}
