import { TroupeError } from "../../errors.ts";
import type { MachineFact } from "../spi.ts";
import type { Fault } from "./faults.ts";

/** What a watch tells when its reports go wrong on their way. */
export function garbled(facts: AsyncIterable<MachineFact>, how: Fault["reports"]): AsyncIterable<MachineFact> {
  switch (how) {
    case "twice":
      return twice(facts);
    case "swapped":
      return swapped(facts);
    case "broken":
      return broken(facts);
    case undefined:
      return facts;
  }
}

async function* twice(facts: AsyncIterable<MachineFact>): AsyncGenerator<MachineFact> {
  for await (const fact of facts) {
    yield fact;
    yield fact;
  }
}

/** A lost connection is told when the next fact has been. */
async function* swapped(facts: AsyncIterable<MachineFact>): AsyncGenerator<MachineFact> {
  let held: MachineFact | null = null;
  for await (const fact of facts) {
    if (fact.type === "away") {
      held = fact;
      continue;
    }
    yield fact;
    if (held !== null) yield held;
    held = null;
  }
}

async function* broken(facts: AsyncIterable<MachineFact>): AsyncGenerator<MachineFact> {
  for await (const fact of facts) {
    yield fact;
    throw new TroupeError("INFRASTRUCTURE_UNAVAILABLE", "Cannot watch the machine: the connection broke");
  }
}
