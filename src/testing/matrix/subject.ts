import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from "xstate";
import type { Reading } from "./reading.ts";

/** A chart, with what must be known of it to say what comes of an interruption. */
export interface MatrixSubject<Happening extends string = string> {
  /** Its id, if not another name is better. */
  readonly chart: string;
  /** Actions that reach for live children must be provided as ones that do nothing. */
  readonly logic: AnyStateMachine;
  /** Together they must make every state reachable. */
  readonly beginnings: readonly Beginning[];
  /** By happening; called for each snapshot in which the chart may be. */
  readonly readings: Readonly<Record<Happening, (moment: Moment) => Reading>>;
  /** What of a snapshot's context can make a difference from there on: those alike in it are walked once. Default: all. */
  readonly essence?: (snapshot: AnyMachineSnapshot) => unknown;
  /** By key of the context: what it means that its value has become this one while the state stayed. Default: `noted`. */
  readonly changes?: Readonly<Record<string, (value: unknown) => string>>;
}

/** From where a chart is walked, and with what events. */
export interface Beginning {
  readonly input: unknown;
  /**
   * By type: the events of that type which may come. A type that is absent comes bare (a port's rejection with an
   * error); an empty list: it does not come.
   */
  readonly events?: (snapshot: AnyMachineSnapshot) => Readonly<Record<string, readonly EventObject[]>>;
}

/** A snapshot that can be reached, and the events that lead there, oldest first. */
export interface Moment {
  readonly snapshot: AnyMachineSnapshot;
  readonly path: readonly EventObject[];
}
