/** What users import to test lifecycles: `troupe/testing`. What needs vitest is apart, in `infrastructure-contract.ts`. */
export * from "../infrastructure/simulated/index.ts";
export * from "./conformance/index.ts";
export { type ContractPrograms, shellPrograms, simulatedContractPrograms } from "./contract/programs.ts";
export { type EnvironmentSketch, environmentOf, type MachineSketch, type ServerSketch } from "./environment-of.ts";
export { Laboratory, type LaboratoryOptions } from "./laboratory.ts";
export type { Answer } from "./matrix/answer.ts";
export {
  type InterruptionMatrix,
  interruptionMatrix,
  type MatrixRow,
  missingCells,
} from "./matrix/interruption-matrix.ts";
export { matrixMarkdown } from "./matrix/matrix-markdown.ts";
export { done, failed, portsFailed, timesUp } from "./matrix/outcome.ts";
export { impossible, type Reading, told, unheard } from "./matrix/reading.ts";
export type { Beginning, MatrixSubject, Moment } from "./matrix/subject.ts";
export { memoryJournal } from "./memory-journal.ts";
export { mermaidOf } from "./mermaid.ts";
export type { Doom } from "./mortal-process.ts";
export { type Change, parseChange } from "./replay/change.ts";
export { checkAgainstCharts, type Objection } from "./replay/check-against-charts.ts";
export type { Difference } from "./replay/comparison.ts";
export { viewAt, viewsOf } from "./replay/history.ts";
export { parseIncident } from "./replay/parse-incident.ts";
export { type WhatIf, whatIf } from "./replay/what-if.ts";
export { VirtualClock } from "./virtual-clock.ts";
export { type MachineConfigSketch, workspaceOf } from "./workspace-of.ts";
