/** Holds a data directory until it is killed: `data-directory-holder.ts PATH`. Says on its output what became of it. */
import { writeSync } from "node:fs";
import { TroupeError } from "../../src/errors.ts";
import { openDataDirectory } from "../../src/journal/data-directory.ts";

const [, , path = ""] = process.argv;
try {
  openDataDirectory(path);
  writeSync(1, `${JSON.stringify({ pid: process.pid })}\n`);
} catch (error) {
  if (!(error instanceof TroupeError)) throw error;
  writeSync(1, `${JSON.stringify({ pid: process.pid, code: error.code, holder: error.details["pid"] })}\n`);
}
// Until standard input ends, which it does when the test lets go of it.
process.stdin.resume();
