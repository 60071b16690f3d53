export type { Call, Latency } from "./calls.ts";
export type { Fault, Operation } from "./faults.ts";
export type { SimulatedProcess, SimulatedProgram } from "./process.ts";
export type { SimulatedPrograms } from "./programs.ts";
export {
  type SimulatedInfrastructure,
  type SimulatedInfrastructureOptions,
  type SimulatedMachineView,
  type SimulatedWorldView,
  simulatedInfrastructure,
} from "./simulated-infrastructure.ts";
export type { MachineExit, Violation } from "./world.ts";
