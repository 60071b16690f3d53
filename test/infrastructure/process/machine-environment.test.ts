import { describe, expect, test } from "vitest";
import { machineEnvironment } from "../../../src/infrastructure/process/machine-environment.ts";
import { environmentOf, type MachineSketch } from "../../../src/testing/index.ts";

function environment(sketch: MachineSketch, ports: Record<string, number> = {}, base: NodeJS.ProcessEnv = {}) {
  const resolved = environmentOf({ machines: { "web/1": sketch } });
  const machine = resolved.machines["web/1"];
  if (machine === undefined) throw new Error("There is one");
  const instance = {
    workspaceId: "ws",
    instanceId: "in",
    workspaceName: "shop",
    owner: "ann",
    environment: resolved,
  };
  const neighbours = { "db-1": { sql: { host: "127.0.0.1", port: 5432, url: "tcp://127.0.0.1:5432" } } };
  return machineEnvironment({ instance, machine, ports, neighbours, volumes: { data: "/volumes/data" } }, base);
}

describe("machineEnvironment()", () => {
  test("takes little of the supervisor's own environment, and no secret", () => {
    const base = {
      PATH: "/bin",
      HOME: "/home/ann",
      LANG: "C",
      TROUPE_TOKEN: "secret",
      AWS_SECRET_ACCESS_KEY: "secret",
    };

    const env = environment({}, {}, base);

    expect(env).toMatchObject({ PATH: "/bin", HOME: "/home/ann", LANG: "C" });
    expect(JSON.stringify(env)).not.toContain("secret");
  });

  test("says where everything is", () => {
    expect(environment({}, { http: 20_000, "admin.ui": 20_001 })).toEqual({
      PATH: "/usr/local/bin:/usr/bin:/bin",
      TROUPE_WORKSPACE_ID: "ws",
      TROUPE_WORKSPACE_NAME: "shop",
      TROUPE_INSTANCE_ID: "in",
      TROUPE_MACHINE: "web/1",
      TROUPE_PORT_HTTP: "20000",
      TROUPE_PORT_ADMIN_UI: "20001",
      TROUPE_URL_DB_1_SQL: "tcp://127.0.0.1:5432",
      TROUPE_VOLUME_DATA: "/volumes/data",
    });
  });

  test("PORT is the port of the only server", () => {
    expect(environment({}, { http: 20_000 })["PORT"]).toBe("20000");
    expect(environment({}, { http: 20_000, other: 20_001 })).not.toHaveProperty("PORT");
    expect(environment({ env: { PORT: "1" } }, { http: 20_000 })["PORT"]).toBe("1");
  });

  test("the user's values win, but not over the marks by which processes are found", () => {
    const env = environment({ env: { PATH: "/mine", TROUPE_INSTANCE_ID: "other", TROUPE_MACHINE: "other" } });

    expect(env).toMatchObject({ PATH: "/mine", TROUPE_INSTANCE_ID: "in", TROUPE_MACHINE: "web/1" });
  });
});
