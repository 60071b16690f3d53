import type { ClientContext } from "../context.ts";
import { formatElapsed } from "../duration.ts";
import { transitionLine } from "../transition.ts";

export async function why({ client, terminal, isJson }: ClientContext, key: string): Promise<undefined> {
  const answer = await client.why(key);
  if (isJson) return void terminal.json(answer);

  terminal.print([{ text: answer.summary, style: "bold" }]);
  answer.chain.forEach(({ actor, state, message, elapsedMs, budgetMs }, depth) => {
    const elapsed = { text: `  ${formatElapsed(elapsedMs, budgetMs)}`, style: "dim" } as const;
    terminal.print(["  ".repeat(depth + 1), actor, " ", { text: state, style: "bold" }, elapsed, `  ${message}`]);
  });
  if (answer.lastLines.length > 0) terminal.print(["Last lines:"]);
  for (const text of answer.lastLines) terminal.print([{ text: "  | ", style: "dim" }, text]);
  if (answer.events.length > 0) terminal.print(["Last events:"]);
  for (const event of answer.events) terminal.print(["  ", ...transitionLine(event)]);
}
