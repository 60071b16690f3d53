export type { PortRange } from "./ports.ts";
export { type ProcessInfrastructureOptions, processInfrastructure } from "./process-infrastructure.ts";
