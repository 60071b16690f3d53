/** Writes `workspace.schema.json` beside this file, or to FILE: `npx tsx src/environment/write-workspace-schema.ts [FILE]`. */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { workspaceJsonSchema } from "./workspace-schema.ts";

const [file = fileURLToPath(new URL("workspace.schema.json", import.meta.url))] = process.argv.slice(2);
writeFileSync(file, `${JSON.stringify(workspaceJsonSchema(), null, 2)}\n`);
