/** What users import to test lifecycles: `troupe/testing`. The conformance kit, which needs vitest, is in `contract.ts`. */
export * from "../infrastructure/simulated/index.ts";
export { type EnvironmentSketch, environmentOf, type MachineSketch, type ServerSketch } from "./environment-of.ts";
export { mermaidOf } from "./mermaid.ts";
export { VirtualClock } from "./virtual-clock.ts";
