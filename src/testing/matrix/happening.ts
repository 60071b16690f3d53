/** What may befall a workspace while one of its charts is in some state. */
export const happenings = [
  "stop",
  "force-stop",
  "start again",
  "machine crash",
  "infrastructure lost",
  "infrastructure error",
  "deadline reached",
  "supervisor crash",
  "stale report",
  "duplicate report",
] as const;

export type Happening = (typeof happenings)[number];
