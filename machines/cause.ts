/** An event's type as people say it: `prepare done`, `deadline reached`, `after backoff`. Commands and facts stay as they are. */
export function causeOf(type: string): string {
  const [, outcome, name] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(type) ?? [];
  if (name !== undefined) {
    if (outcome === "error" && name.toLowerCase().endsWith("deadline")) return "deadline reached";
    return `${name} ${outcome === "done" ? "done" : "failed"}`;
  }
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(type) ?? [];
  if (delay !== undefined) return `after ${delay}`;
  return type === "xstate.init" ? "begun" : type;
}
