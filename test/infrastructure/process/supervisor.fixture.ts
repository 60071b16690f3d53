/** Run by `adoption.test.ts` in a process of its own: starts a machine, tells what it was told, and stays. */
import { processInfrastructure } from "../../../src/infrastructure/process/index.ts";

const { dataDir, instance } = JSON.parse(process.env["FIXTURE"] ?? "{}");
const infrastructure = processInfrastructure({ dataDir });
process.send?.("starting");
const started = await infrastructure.startMachine(instance, "main", AbortSignal.timeout(10_000));
process.stdout.write(`${JSON.stringify(started)}\n`);
setInterval(() => {}, 1_000);
