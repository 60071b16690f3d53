import type { WorkspaceFile } from "./workspace-schema.ts";

/**
 * A workspace file written in TypeScript: the compiler knows every field, and names what it does not know.
 *
 * @example
 * const counter = defineWorkspace({
 *   name: "counter",
 *   environment: { recipe: { type: "process", content: { machines: { ticker: { command: ["tick"] } } } } },
 * });
 */
export function defineWorkspace(config: WorkspaceFile): WorkspaceFile {
  return config;
}
