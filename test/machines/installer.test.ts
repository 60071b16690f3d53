import { describe, expect, test } from "vitest";
import type { InstallerPlan } from "../../machines/installer.ts";
import { exitOf, installerPlan, portFailure } from "./plans.ts";
import { Stage } from "./stage.ts";

function running(plan: Partial<InstallerPlan> = {}): Stage {
  const stage = Stage.installer({ plan: installerPlan("web", { id: "agent", ...plan }) });
  stage.send({ type: "installer.run" });
  return stage;
}

const done = [{ type: "installer.done", id: "agent" }];

describe("an installer without servers", () => {
  test("waits for its turn, and asks for nothing until then", () => {
    const stage = Stage.installer({ plan: installerPlan("web", { id: "agent" }) });

    expect(stage.state).toBe("pending");
    expect(stage.open).toEqual([]);
  });

  test("is done when its script has ended with code 0, and not before", async () => {
    const stage = running();

    await stage.finish("awaitServers web agent"); // there are none to wait for
    expect(stage.state).toBe("active.running");
    await stage.finish("runScript web agent");
    await stage.finish("awaitServers web agent");

    expect(stage.state).toBe("done");
    expect(stage.reports).toEqual(done);
  });

  test("fails with the exit code and the last lines of its script", async () => {
    const stage = running();
    const exit = exitOf(3, 70);

    await stage.finish("runScript web agent", { exit, lastLines: ["cannot find curl"] });

    expect(stage.state).toBe("failed");
    expect(stage.reports).toMatchObject([
      {
        type: "installer.failed",
        id: "agent",
        failure: {
          class: "infrastructure",
          code: "INSTALLER_FAILED",
          message: 'Script of installer "agent" in machine "web" exited with code 3',
          source: { kind: "installer", machine: "web", name: "agent" },
          state: "active.running",
          at: 70,
          exit,
          lastLines: ["cannot find curl"],
        },
      },
    ]);
  });

  test("fails when its script was ended by a signal", async () => {
    const stage = running();

    await stage.finish("runScript web agent", { exit: exitOf(null, 0, { signal: "SIGSEGV" }), lastLines: [] });

    expect(stage.context.failure.message).toMatch(/was ended by SIGSEGV$/);
  });
});

describe("an installer with servers", () => {
  const servers = ["ssh", "term"];

  test("is done when they accept, though its script still runs: the script is then the server", async () => {
    const stage = running({ servers });
    const { signal } = stage.call("runScript web agent");

    await stage.finish("awaitServers web agent");

    expect(stage.state).toBe("done");
    expect(stage.reports).toEqual(done);
    expect(signal.aborted).toBe(true); // let go of, not ended
  });

  test("is given the check period when its script ends before they accept", async () => {
    const stage = running({ servers });

    await stage.finish("runScript web agent");
    expect(stage.state).toBe("active.awaitingServers");
    expect(stage.call("deadline web agent active.awaitingServers").input.budgetMs).toBe(3_002);
    await stage.finish("awaitServers web agent");

    expect(stage.reports).toEqual(done);
  });

  test("fails when the check period is over, and names the servers", async () => {
    const stage = running({ servers });
    await stage.finish("runScript web agent");
    const { input } = stage.call("deadline web agent active.awaitingServers");

    await stage.expire("web agent active.awaitingServers");

    expect(stage.state).toBe("failed");
    expect(input).toMatchObject({ what: expect.stringContaining("ssh, term") });
    expect(stage.reports).toMatchObject([{ type: "installer.failed", failure: { budgetMs: 3_002 } }]);
  });

  test("has one budget for the script and the servers together", async () => {
    const stage = running({ servers });
    const { signal } = stage.call("deadline web agent active");

    await stage.finish("runScript web agent");

    expect(signal.aborted).toBe(false);
  });
});

describe("an installer", () => {
  test.each(["runScript", "awaitServers"])("fails when %s cannot be done", async (port) => {
    const stage = running({ servers: ["ssh"] });

    await stage.fail(`${port} web agent`, portFailure("INFRASTRUCTURE_UNAVAILABLE"));

    expect(stage.state).toBe("failed");
    expect(stage.reports).toMatchObject([{ failure: { code: "INFRASTRUCTURE_UNAVAILABLE", class: "infrastructure" } }]);
  });

  test("times out when its budget is used up, and says which", async () => {
    const stage = running();

    await stage.expire("web agent active");

    expect(stage.state).toBe("timedOut");
    expect(stage.reports).toMatchObject([
      { type: "installer.failed", failure: { code: "DEADLINE_EXCEEDED", budgetMs: 3_001 } },
    ]);
  });

  test.each(["pending", "active.running", "active.awaitingServers"])(
    "is interrupted in %s, and nobody is told",
    async (state) => {
      const stage = Stage.installer({ plan: installerPlan("web", { id: "agent", servers: ["ssh"] }) });
      if (state !== "pending") stage.send({ type: "installer.run" });
      if (state === "active.awaitingServers") await stage.finish("runScript web agent");
      expect(stage.state).toBe(state);

      stage.send({ type: "installer.interrupt" });

      expect(stage.state).toBe("interrupted");
      expect(stage.open).toEqual([]);
      expect(stage.reports).toEqual([]);
    },
  );

  test("of an adopted machine is done, and runs nothing", () => {
    const stage = Stage.installer({ plan: installerPlan("web", { id: "agent" }), isDone: true });

    expect(stage.state).toBe("done");
    expect(stage.asked).toEqual([]);
  });
});
