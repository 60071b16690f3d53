export {
  type ConformanceOptions,
  type ConformanceReport,
  type ConformanceViolation,
  checkInfrastructure,
} from "./check-infrastructure.ts";
export { type Clause, clauses } from "./clauses.ts";
export type { Opened } from "./opened.ts";
