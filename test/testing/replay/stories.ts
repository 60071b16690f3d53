/** What may happen to a shop: lives of one workspace, told to a laboratory. */
import type { Incident } from "../../../src/model/incident.ts";
import { Laboratory } from "../../../src/testing/laboratory.ts";
import { workspaceOf } from "../../../src/testing/workspace-of.ts";

const latencyMs = {
  prepare: 100,
  fetchImage: 100,
  createMachine: 100,
  startMachine: 100,
  exec: 300,
  stopMachine: 100,
  removeMachine: 100,
  destroy: 100,
  observe: 50,
};

export const shop = (onFailure = "stop-workspace") =>
  workspaceOf(
    "shop",
    {
      db: { servers: { sql: { port: "auto", protocol: "tcp" } } },
      web: {
        dependsOn: { db: "healthy" },
        installers: [{ id: "agent", version: "1.0.0", script: "true" }],
        servers: { http: { port: "auto", protocol: "http", liveness: { periodMs: 1_000 } } },
        restart: { maxRestarts: 1 },
      },
    },
    { onFailure },
  );

export type Story = (laboratory: Laboratory) => Promise<void>;

const instanceOf = (laboratory: Laboratory): string => laboratory.view("shop").instanceId ?? "";

async function run(laboratory: Laboratory, onFailure?: string): Promise<void> {
  laboratory.supervisor.create(shop(onFailure));
  laboratory.supervisor.start("shop");
  await laboratory.untilStatus("shop", "RUNNING");
}

async function steady(laboratory: Laboratory): Promise<void> {
  await laboratory.until("shop", ({ state }) => state === "running.steady");
}

async function crash(laboratory: Laboratory, machine: string): Promise<void> {
  laboratory.infrastructure.crash(instanceOf(laboratory), machine, { code: 3 });
  await laboratory.until("shop", ({ state }) => state !== "running.steady");
}

async function end(laboratory: Laboratory): Promise<void> {
  laboratory.supervisor.stop("shop");
  await laboratory.untilStatus("shop", "STOPPED");
}

export const stories: Readonly<Record<string, Story>> = {
  async "it runs and is stopped"(laboratory) {
    await run(laboratory);
    await end(laboratory);
  },
  async "a machine crashes and comes back"(laboratory) {
    await run(laboratory);
    await crash(laboratory, "web");
    await steady(laboratory);
    await end(laboratory);
  },
  async "a machine crashes too often"(laboratory) {
    await run(laboratory);
    await crash(laboratory, "web");
    await steady(laboratory);
    laboratory.infrastructure.crash(instanceOf(laboratory), "web", { code: 3 });
    await laboratory.untilStatus("shop", "STOPPED");
  },
  async "all machines are launched again for one"(laboratory) {
    await run(laboratory, "one-for-all");
    await crash(laboratory, "web");
    await steady(laboratory);
    await crash(laboratory, "web");
    await steady(laboratory);
    await end(laboratory);
  },
  async "one machine is given up"(laboratory) {
    await run(laboratory, "one-for-one");
    await crash(laboratory, "web");
    await steady(laboratory);
    laboratory.infrastructure.crash(instanceOf(laboratory), "web", { code: 3 });
    await laboratory.until("shop", ({ machines }) => machines["web"]?.status === "FAILED");
    await end(laboratory);
  },
  async "the process is killed while it runs"(laboratory) {
    await run(laboratory);
    laboratory.kill();
    await laboratory.boot();
    await steady(laboratory);
    await end(laboratory);
  },
  async "the process is killed while it starts"(laboratory) {
    laboratory.supervisor.create(shop());
    laboratory.supervisor.start("shop");
    await laboratory.clock.advanceAsync(750);
    laboratory.kill();
    await laboratory.boot();
    await steady(laboratory);
    await end(laboratory);
  },
  async "the process is killed while a machine boots, which it does all the same"(laboratory) {
    laboratory.infrastructure.inject({ operation: "startMachine", delayMs: 100 });
    laboratory.supervisor.create(shop());
    laboratory.supervisor.start("shop");
    await laboratory.until("shop", ({ machines }) => machines["db"]?.state === "starting.booting");
    laboratory.kill();
    await laboratory.clock.advanceAsync(1_000);
    await laboratory.boot();
    await steady(laboratory);
    await end(laboratory);
  },
  async "the process is away for longer than a budget"(laboratory) {
    laboratory.infrastructure.inject({ operation: "createMachine", delayMs: Number.POSITIVE_INFINITY, times: 2 });
    laboratory.supervisor.create(shop());
    laboratory.supervisor.start("shop");
    await laboratory.until("shop", ({ machines }) => machines["db"]?.state === "starting.creating");
    laboratory.kill();
    await laboratory.clock.advanceAsync(3_000_000);
    await laboratory.boot();
    await laboratory.untilStatus("shop", "STOPPED");
  },
  async "it is stopped while it starts, by force, and started again meanwhile"(laboratory) {
    laboratory.supervisor.create(shop());
    laboratory.supervisor.start("shop");
    await laboratory.clock.advanceAsync(450);
    laboratory.supervisor.stop("shop");
    await laboratory.clock.advanceAsync(10);
    laboratory.supervisor.start("shop");
    await laboratory.untilStatus("shop", "RUNNING");
    laboratory.supervisor.stop("shop", { force: true });
    await laboratory.untilStatus("shop", "STOPPED");
  },
  async "a second stop forces the first"(laboratory) {
    await run(laboratory);
    laboratory.supervisor.stop("shop");
    await laboratory.clock.advanceAsync(20);
    laboratory.supervisor.stop("shop");
    await laboratory.untilStatus("shop", "STOPPED");
  },
  async "a budget is used up"(laboratory) {
    laboratory.infrastructure.inject({ operation: "createMachine", delayMs: Number.POSITIVE_INFINITY });
    laboratory.supervisor.create(shop());
    laboratory.supervisor.start("shop");
    await laboratory.untilStatus("shop", "STOPPED");
  },
  async "an installer fails"(laboratory) {
    laboratory.infrastructure.inject({ operation: "exec", error: new Error("no route") });
    laboratory.supervisor.create(shop());
    laboratory.supervisor.start("shop");
    await laboratory.untilStatus("shop", "STOPPED");
  },
  async "a server stops answering and answers again"(laboratory) {
    await run(laboratory);
    const serve = (answers: boolean) => laboratory.infrastructure.serve(instanceOf(laboratory), "web", "http", answers);
    const is = (status: string) =>
      laboratory.until("shop", ({ machines }) => machines["web"]?.servers["http"]?.status === status);
    serve(false);
    await is("STOPPED");
    serve(true);
    await is("RUNNING");
    await end(laboratory);
  },
  async "a connection is lost and found"(laboratory) {
    await run(laboratory);
    laboratory.infrastructure.away(instanceOf(laboratory), "web", "no route");
    await laboratory.until("shop", ({ state }) => state === "running.interrupted");
    laboratory.infrastructure.back(instanceOf(laboratory), "web");
    await steady(laboratory);
    await end(laboratory);
  },
  async "something cannot be removed for a while"(laboratory) {
    await run(laboratory);
    laboratory.infrastructure.jam(instanceOf(laboratory), "db", "it hangs");
    laboratory.supervisor.stop("shop");
    await laboratory.until("shop", ({ state }) => state === "stopping.destroying.cooling");
    laboratory.infrastructure.jam(instanceOf(laboratory), "db", null);
    await laboratory.untilStatus("shop", "STOPPED");
  },
};

/** The story as it is exported afterwards. */
export async function incidentOf(story: Story): Promise<Incident> {
  const laboratory = await Laboratory.open({ latencyMs });
  await story(laboratory);
  return laboratory.supervisor.export("shop");
}

export function storyOf(name: keyof typeof stories): Story {
  const story = stories[name];
  if (story === undefined) throw new Error(`There is no story "${name}"`);
  return story;
}
