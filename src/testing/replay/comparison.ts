import { sourceKey, type TroupeEvent } from "../../model/workspace.ts";
import type { Rehearsal } from "./rehearsal.ts";

/** Where the rehearsal is not as the record. */
export interface Difference {
  /** Of the recorded event, from 0; `null` for what happened in the rehearsal alone. */
  readonly index: number | null;
  readonly event: TroupeEvent;
  /** One sentence. */
  readonly message: string;
}

/** Finds each recorded event among those of the rehearsal. */
export class Comparison {
  readonly #rehearsal: Rehearsal;
  readonly #otherCauses: Difference[] = [];
  /** Recorded, and not seen here yet. */
  #expected: { readonly event: TroupeEvent; readonly index: number }[] = [];
  /** Seen here, and not found in the record yet. */
  #seen: TroupeEvent[] = [];
  #read = 0;

  constructor(rehearsal: Rehearsal) {
    this.#rehearsal = rehearsal;
  }

  /** Whether some recorded event has not happened here. */
  get isBehind(): boolean {
    this.#look();
    return this.#expected.length > 0;
  }

  /** @param soon recorded events that may have come already */
  differencesBut(soon: readonly TroupeEvent[]): readonly Difference[] {
    this.#look();
    const others = this.#seen.filter((event) => !soon.some((one) => isAlike(one, event)));
    return [
      ...this.#expected.map(({ event, index }) => ({ index, event, message: "it does not happen here" })),
      ...this.#otherCauses,
      ...others.map((event) => ({ index: null, event, message: "it happens here alone" })),
    ];
  }

  /** Whether it has happened here, and was not expected before. */
  has(event: TroupeEvent): boolean {
    this.#look();
    return this.#seen.some((one) => isAlike(one, event));
  }

  expect(event: TroupeEvent, index: number): void {
    this.#expected.push({ event, index });
    this.#look();
  }

  #look(): void {
    const { events } = this.#rehearsal;
    this.#seen.push(...events.slice(this.#read));
    this.#read = events.length;
    if (this.#seen.length > 0 && this.#expected.length > 0) {
      this.#expected = this.#expected.filter((expected) => !this.#isFound(expected));
    }
  }

  #isFound({ event, index }: { readonly event: TroupeEvent; readonly index: number }): boolean {
    const found = this.#seen.find((one) => isAlike(one, event));
    if (found === undefined) return false;
    this.#seen = this.#seen.filter((one) => one !== found);
    if (found.cause !== event.cause) {
      this.#otherCauses.push({ index, event, message: `here it is caused by "${found.cause}"` });
    }
    return true;
  }
}

function isAlike(one: TroupeEvent, other: TroupeEvent): boolean {
  return (
    one.instanceId === other.instanceId &&
    one.from === other.from &&
    one.to === other.to &&
    sourceKey(one.source) === sourceKey(other.source)
  );
}
