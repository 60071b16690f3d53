// A server that takes its time to be ready. Arguments: NAME PORT READY_AFTER_MS
// It appends its pid to the volume, so that a second start of it cannot be missed.
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";

const [name, port, readyAfterMs] = process.argv.slice(2);
appendFileSync(`${process.env.TROUPE_VOLUME_DATA}/pids.${name}`, `${process.pid}\n`);

let isReady = false;
setTimeout(() => {
  isReady = true;
}, Number(readyAfterMs));

createServer((_request, response) => response.writeHead(isReady ? 200 : 503).end()).listen(Number(port), "127.0.0.1");

// Ending takes a moment too, or there would be no state to be killed in.
process.on("SIGTERM", () => setTimeout(() => process.exit(0), 100));
