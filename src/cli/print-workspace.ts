import type { WorkspaceView } from "../model/workspace.ts";
import type { Context } from "./context.ts";

/** The result of a command about one workspace: its view, or one line. */
export function printWorkspace({ terminal, isJson }: Context, view: WorkspaceView): void {
  if (isJson) terminal.json(view);
  else
    terminal.print([{ text: view.name, style: "bold" }, ` is ${view.status}`, { text: `  ${view.id}`, style: "dim" }]);
}
