import { describe, expect } from "vitest";
import type { WorkspaceView } from "../../src/model/workspace.ts";
import type { Why } from "../../src/supervisor/api.ts";
import { isMoment, untilEvent, untilSteady } from "./follow.ts";
import { workspace } from "./office.ts";
import { scenario } from "./scenario.ts";
import { NOTHING } from "./site.ts";

describe.concurrent("a machine that ends", () => {
  scenario("with code 0, as all others, completes the workspace", async ({ site }) => {
    const { client } = await site.boot();
    await client.create(
      workspace("job", { first: "echo one", second: "echo two" }, { second: { dependsOn: { first: "completed" } } }),
    );
    await client.start("job");

    const stopped = await client.wait("job", { for: "stopped" });

    expect(stopped).toMatchObject({
      failure: null,
      stopReason: { by: "completed" },
      machines: { first: { exit: { code: 0 } }, second: { exit: { code: 0 } } },
    });
    expect(site.left()).toEqual(NOTHING);
  });

  scenario("by a crash is started again, and counted", async ({ site }) => {
    const { client } = await site.boot();
    await client.create(workspace("web", { web: "exec sleep 600" }, { web: { restart: { backoffMs: 10 } } }), {
      start: true,
    });
    const { machines, instanceId } = await untilSteady(client, "web");
    const { cursor } = await client.events("web", { limit: 1_000 });
    const pid = Number(machines["web"]?.attributes["pid"]);

    process.kill(pid, "SIGKILL");
    await untilEvent(client, "web", cursor, isMoment({ actor: "workspace", state: "running.interrupted" }));
    const running = await untilSteady(client, "web");

    expect(running).toMatchObject({ instanceId, machines: { web: { status: "RUNNING", restarts: 1 } } });
    expect(running.machines["web"]?.attributes["pid"]).not.toBe(String(pid));
  });

  scenario("by more crashes than its budget stops the workspace, which says why", async ({ site }) => {
    const server = await site.boot();
    const { client } = server;
    const restart = { maxRestarts: 2, withinMs: 60_000, backoffMs: 10 };
    await client.create(
      workspace(
        "web",
        { web: 'echo begun >>"$TROUPE_VOLUME_DATA/runs"; echo "no such table: orders" >&2; exit 3' },
        { web: { restart, volumes: { data: {} } } },
      ),
      { start: true },
    );

    await client.wait("web", { for: "stopped" });
    const why = await site.run(["why", "web", "--json"], server.env);
    const status = await site.run(["status", "web", "--json"], server.env);
    const told = await site.run(["why", "web"], server.env);

    const lastLines = Array.from({ length: 3 }, () => "no such table: orders"); // one of each run
    const failure = {
      code: "MACHINE_EXITED",
      class: "infrastructure",
      source: { kind: "machine", machine: "web" },
      exit: { code: 3 },
      lastLines,
    };
    expect(site.linesInVolume("runs")).toHaveLength(3);
    expect(JSON.parse(status.stdout) as WorkspaceView).toMatchObject({
      status: "STOPPED",
      stopReason: { by: "failure" },
      failure,
    });
    expect(JSON.parse(why.stdout) as Why).toMatchObject({
      summary: '"web" is STOPPED: Machine "web" exited with code 3',
      lastLines,
    });
    expect(told.stdout).toContain("exited with code 3");
    expect(told.stdout).toContain("| no such table: orders");
    expect(site.left()).toEqual(NOTHING);
  });
});
