/** Run by `hosted-processes.ts` in a process of its own: a process infrastructure that is used by messages, and dies with its host. */
import { processInfrastructure } from "../../src/infrastructure/process/index.ts";
import type { Infrastructure } from "../../src/infrastructure/spi.ts";
import type { HostAnswer, HostRequest } from "./hosted-processes.ts";

let infrastructure: Infrastructure | null = null;
const aborts = new Map<number, AbortController>();

process.on("message", (request: HostRequest) => {
  switch (request.type) {
    case "open":
      infrastructure = processInfrastructure({ dataDir: request.dataDir });
      return answer({ type: "done", id: request.id, value: null });
    case "abort":
      return aborts.get(request.id)?.abort(new Error("Aborted by the caller"));
    case "call":
      void perform(request); // It answers for itself.
  }
});
process.on("disconnect", () => process.exit());

async function perform({ id, operation, args, isAborted }: Extract<HostRequest, { type: "call" }>): Promise<void> {
  const abort = new AbortController();
  aborts.set(id, abort);
  if (isAborted) abort.abort(new Error("Aborted by the caller"));
  try {
    const operate = infrastructure?.[operation] as (...all: readonly unknown[]) => unknown;
    const result = operate.apply(
      infrastructure,
      args.map((arg) => revive(arg, abort.signal)),
    );
    if (operation === "output" || operation === "watch") {
      for await (const item of result as AsyncIterable<unknown>) answer({ type: "item", id, value: item });
      answer({ type: "done", id, value: null });
    } else answer({ type: "done", id, value: await result });
  } catch (error) {
    const { name, message, code } = error as { name: string; message: string; code?: string };
    answer({ type: "failed", id, wasAborted: error === abort.signal.reason, name, message, code });
  } finally {
    aborts.delete(id);
  }
}

function revive(arg: unknown, signal: AbortSignal): unknown {
  if (arg === "(signal)") return signal;
  return arg === "(progress)" ? () => {} : arg;
}

function answer(message: HostAnswer): void {
  process.send?.(message);
}
