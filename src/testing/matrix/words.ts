import type { Answer } from "./answer.ts";

/** An answer as people say it: `stopping.killing (otherwise)`, `stays, kept as next`, `not possible: it has ended`. */
export function answerWords(answer: Answer): string {
  switch (answer.kind) {
    case "goes":
      return `${answer.to}${condition(answer.when)}`;
    case "stays":
      return `stays, ${answer.as.join(", ")}${condition(answer.when)}`;
    case "ignored":
      return `ignored: ${answer.why}`;
    case "impossible":
      return `not possible: ${answer.why}`;
    case "missing":
      return `missing: nobody says what becomes of ${answer.on.join(" or ") || "it"}`;
  }
}

function condition(when: readonly string[]): string {
  return when.length === 0 ? "" : ` (${when.join("; or ")})`;
}
