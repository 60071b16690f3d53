/** What happens in place of what happened. `after` counts events, from 1. */
export type Change =
  | { readonly do: "stop" | "force" | "start" | "deadline"; readonly after: number }
  | { readonly do: "crash"; readonly machine: string; readonly after: number };

/** Reads `stop@17`, `force@17`, `start@17`, `deadline@17`, `crash:MACHINE@17`; `undefined` for anything else. */
export function parseChange(text: string): Change | undefined {
  const [, what, machine, after] = /^(stop|force|start|deadline|crash)(?::(.+))?@([1-9]\d{0,8})$/.exec(text) ?? [];
  if (what === undefined || (what === "crash") !== (machine !== undefined)) return undefined;
  if (machine !== undefined) return { do: "crash", machine, after: Number(after) };
  return { do: what as Exclude<Change["do"], "crash">, after: Number(after) };
}

/** A change as it is written. */
export function describeChange(change: Change): string {
  return `${change.do === "crash" ? `crash:${change.machine}` : change.do}@${change.after}`;
}
