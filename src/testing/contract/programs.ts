/** What machines do in the conformance kit: each entry makes a command. */
export interface ContractPrograms {
  /** Prints the numbers from 1 to `to`, a line each, `everyMs` apart; then runs until it is asked to end. */
  readonly count: (to: number, everyMs: number) => readonly string[];
  /** Prints `begun`; ends with `code` after `afterMs`. */
  readonly exit: (code: number, afterMs: number) => readonly string[];
  /** Runs until it is asked to end. */
  readonly idle: readonly string[];
  /** Prints `ready`; then runs on when it is asked to end. */
  readonly stubborn: readonly string[];
  /** A program that does not exist. */
  readonly missing: readonly string[];
  /** Prints a variable. */
  readonly env: (name: string) => readonly string[];
  /** Prints a file that was put into the machine. */
  readonly show: (file: string) => readonly string[];
  /** Writes `text` into a volume, and prints what was written there. */
  readonly keep: (volume: string, text: string) => readonly string[];
  readonly kept: (volume: string) => readonly string[];
}

/** For infrastructures that have a POSIX shell, run commands in the machine's directory, and show volumes there by name. */
export const shellPrograms: ContractPrograms = {
  count: (to, everyMs) =>
    sh(
      "i=1; while [ $i -le $1 ]; do echo $i; i=$((i+1)); [ $2 = 0 ] || sleep $2; done; exec sleep 86400",
      String(to),
      String(everyMs / 1000),
    ),
  exit: (code, afterMs) => sh("echo begun; sleep $2; exit $1", String(code), String(afterMs / 1000)),
  idle: ["sleep", "86400"],
  stubborn: sh("trap '' TERM; echo ready; while :; do sleep 1; done"),
  missing: ["/nonexistent/program"],
  env: (name) => sh('eval "echo \\$$1"', name),
  show: (file) => ["cat", file],
  keep: (volume, text) => sh('echo "$2" > "$1/kept"', volume, text),
  kept: (volume) => sh('[ -e "$1/kept" ] && cat "$1/kept" || echo nothing', volume),
};

/** For `simulatedInfrastructure()`, which has them built in. */
export const simulatedContractPrograms: ContractPrograms = {
  count: (to, everyMs) => ["count", String(to), String(everyMs)],
  exit: (code, afterMs) => ["exit", String(code), String(afterMs)],
  idle: ["idle"],
  stubborn: ["stubborn"],
  missing: ["missing"],
  env: (name) => ["env", name],
  show: (file) => ["show", file],
  keep: (volume, text) => ["keep", volume, text],
  kept: (volume) => ["kept", volume],
};

function sh(script: string, ...args: readonly string[]): readonly string[] {
  return ["/bin/sh", "-c", script, "sh", ...args];
}
