/** What an infrastructure promises, clause by clause: the contract of `src/infrastructure/spi.ts` as far as calls can show it. */
export const clauses = {
  works: "An operation whose time has come does what it is for.",
  settles: "Every operation settles.",
  explains: "An operation that cannot be done rejects with a TroupeError.",
  idempotent: "An operation that is repeated, later or at once, finishes the same work.",
  abortable:
    "An operation settles soon after its signal aborts, with the signal's reason, and does nothing if it had aborted.",
  "lets go": "An abort ends neither machines nor processes that run.",
  adopts: "startMachine() on a running machine tells what it was started with, and starts no second one.",
  "runs once": "A process that was begun under an id is found again by it, running or ended.",
  observes: "observe() and identities() tell what there is.",
  watches: "watch() tells how a machine ended, also if that was earlier, and nothing while it runs.",
  resumes: "output() goes on from any cursor without hole or repeat.",
  stops: "stopMachine() asks, waits for the grace, and resolves when nothing of the machine runs.",
  fenced: "What an operation creates after its instance was destroyed is removed by a repeated destroy().",
  isolated: "What is done to one machine or instance leaves all others alone.",
  "leaves nothing": "destroy() removes everything of an instance, in any state.",
  volumes: "Volumes outlive their instances, and are gone after removeVolumes().",
  recovers: "The next supervisor finds everything as it was.",
} as const satisfies Record<string, string>;

export type Clause = keyof typeof clauses;
