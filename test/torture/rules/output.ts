/** Every line of a machine once, in order. */
import type { Evidence, Violation } from "../evidence.ts";
import type { OutputFollowed } from "../history.ts";

export function* outputRules({ history }: Evidence): Generator<Violation> {
  for (const followed of history.outputs) yield* linesRules(followed);
}

function* linesRules({ workspace, items }: OutputFollowed): Generator<Violation> {
  const past = new Set<string>();
  let instance = "";
  let next = 0;
  let isGap = false;
  for (const item of items) {
    if (item === "gap") {
      isGap = true;
      continue;
    }
    const [instanceId = "", number = ""] = item.text.split(" ");
    const found = Number(number);
    if (instanceId !== instance) {
      if (past.has(instanceId)) yield { rule: "output goes on", workspace, what: `it went back to ${instanceId}` };
      past.add(instanceId);
      instance = instanceId;
      next = 0;
    }
    if (found < next) {
      yield { rule: "no line is told twice", workspace, what: `${item.text} came where ${next} was due` };
    } else if (found > next && !isGap) {
      yield { rule: "no line is missing without a gap", workspace, what: `${item.text} came where ${next} was due` };
    }
    next = found + 1;
    isGap = false;
  }
}
