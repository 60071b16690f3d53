/** How much longer a start and a stop take than those of the bare program: npm run build && npx tsx bench/start.ts */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { median, print, printMachine, round, timed } from "./measure.ts";
import { openSupervisor, withDirectory } from "./supervisor.ts";

const RUNS = 30;
const WARM_UPS = 3;

/** Between two probes of the bare program: short, so that it has no handicap. */
const BARE_PROBE_MS = 2;

const program = [
  process.execPath,
  "-e",
  `require("net").createServer().listen(process.env.PORT, "127.0.0.1"); process.on("SIGTERM", () => process.exit())`,
] as const;

const tcp = { type: "tcp" };
const workspace = {
  name: "bench",
  environment: {
    recipe: { type: "process", content: { machines: { web: { command: program } } } },
    machines: { web: { servers: { tcp: { port: "auto", protocol: "tcp", readiness: tcp, liveness: tcp } } } },
  },
};

await withDirectory(async (dataDir) => {
  const supervisor = await openSupervisor(dataDir);
  supervisor.create(workspace);

  const times: Record<"bare start" | "troupe start" | "bare stop" | "troupe stop", number[]> = {
    "bare start": [],
    "troupe start": [],
    "bare stop": [],
    "troupe stop": [],
  };
  // Interleaved: what else the computer does falls on both alike.
  for (let run = -WARM_UPS; run < RUNS; run++) {
    const bare = await runBare();
    const startMs = await timed(async () => {
      supervisor.start("bench");
      await supervisor.wait("bench", { for: "running" });
    });
    const stopMs = await timed(async () => {
      supervisor.stop("bench");
      await supervisor.wait("bench", { for: "stopped" });
    });
    if (run < 0) continue;
    times["bare start"].push(bare.startMs);
    times["bare stop"].push(bare.stopMs);
    times["troupe start"].push(startMs);
    times["troupe stop"].push(stopMs);
  }
  await supervisor.terminate();

  printMachine();
  print(times);
  for (const what of ["start", "stop"] as const) {
    const [bare, troupe] = [median(times[`bare ${what}`]), median(times[`troupe ${what}`])];
    console.log(`${what}: ${round(troupe / bare)} times the bare program, ${round(troupe - bare)} ms more`);
  }
});

/** Spawns the program, waits until its port answers, and ends it. */
async function runBare(): Promise<{ startMs: number; stopMs: number }> {
  const port = await freePort();
  const [command, ...args] = program;
  let child: ReturnType<typeof spawn> | undefined;
  const startMs = await timed(async () => {
    child = spawn(command, args, { env: { PORT: String(port) }, stdio: "ignore", detached: true });
    while (!(await accepts(port))) await sleep(BARE_PROBE_MS);
  });
  const stopMs = await timed(async () => {
    child?.kill();
    if (child) await once(child, "exit");
  });
  return { startMs, stopMs };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
