/** Property tests of whole lifecycles: `troupe/testing/explore`. Needs fast-check. */
export { Coverage } from "./coverage.ts";
export { type Counterexample, type Exploration, type ExploreOptions, explore } from "./explore.ts";
export { lifecycles } from "./lifecycles.ts";
export { playedMachine } from "./machine-run.ts";
export type { Call, Command, Moment, ReaderHistory, Refusal } from "./moment.ts";
export { type Invariant, judge, type Violation } from "./oracles.ts";
export { runScript, type ScriptResult, type StepReport } from "./run-script.ts";
export {
  type ChartConfig,
  type ChartStep,
  describeStep,
  parseScript,
  type Script,
  type Step,
  type SupervisorConfig,
  type SupervisorStep,
} from "./script.ts";
export { machineScripts, scripts, supervisorScripts } from "./scripts.ts";
export type { RunOptions } from "./supervisor-run.ts";
export { transitionsOf } from "./transitions.ts";
export { unreachable } from "./unreachable.ts";
