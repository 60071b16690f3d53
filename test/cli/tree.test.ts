import { describe, expect, test } from "vitest";
import type { Failure } from "../../machines/failure.ts";
import { plainText } from "../../src/cli/terminal.ts";
import { treeLines } from "../../src/cli/tree.ts";
import { installerView, machineView, serverView, workspaceView } from "../client/views.ts";

const NOW = 10_000;

function draw(view: ReturnType<typeof workspaceView>): string[] {
  return treeLines(view, NOW).map((line) => line.map(plainText).join("").trimEnd());
}

const failure: Failure = {
  class: "infrastructure",
  code: "INSTALLER_FAILED",
  message: 'Installer "seed" exited with code 3',
  source: { kind: "installer", machine: "web", name: "seed" },
  state: "running",
  at: 0,
  budgetMs: null,
  exit: null,
  lastLines: ["cp: no such file", "giving up"],
};

describe("the tree", () => {
  test("shows machines with their installers before their servers, and the URLs of these", () => {
    const view = workspaceView({
      machines: {
        store: machineView({ servers: { http: serverView({ url: "http://127.0.0.1:20001/", internal: true }) } }),
        web: machineView({
          installers: { seed: installerView() },
          servers: { http: serverView({ url: "http://127.0.0.1:20002/" }) },
        }),
      },
    });

    expect(draw(view)).toEqual([
      "● shop RUNNING",
      "├─ ● store RUNNING",
      "│  └─ ● http RUNNING  http://127.0.0.1:20001/  internal",
      "└─ ● web RUNNING",
      "   ├─ ✓ seed:1.0.0 DONE",
      "   └─ ● http RUNNING  http://127.0.0.1:20002/",
    ]);
  });

  test("shows how much of its budget is used by what waits, as the deadline counts", () => {
    const view = workspaceView({
      status: "STARTING",
      state: "starting.launching",
      since: 9_000,
      budgetMs: 180_000,
      deadlineAt: NOW - 3_200 + 180_000,
    });

    expect(draw(view)).toEqual(["◌ shop STARTING  starting.launching 3.2 s of 180 s"]);
  });

  test("says what a server's last probe said until the server answers", () => {
    const probed = (status: "UNKNOWN" | "RUNNING") =>
      workspaceView({
        machines: { web: machineView({ servers: { http: serverView({ status, lastProbe: "refused" }) } }) },
      });

    expect(draw(probed("UNKNOWN")).at(-1)).toBe("   └─ ○ http UNKNOWN  refused");
    expect(draw(probed("RUNNING")).at(-1)).toBe("   └─ ● http RUNNING");
  });

  test("opens the leaf that failed, and not its ancestors, which tell the same", () => {
    const view = workspaceView({
      status: "STOPPED",
      failure,
      machines: {
        web: machineView({
          status: "FAILED",
          failure,
          installers: { seed: installerView({ status: "FAILED", failure }) },
        }),
        worker: machineView({ status: "STOPPED" }),
      },
    });

    expect(draw(view)).toEqual([
      "○ shop STOPPED",
      "├─ ✗ web FAILED",
      "│  └─ ✗ seed:1.0.0 FAILED",
      '│       INSTALLER_FAILED Installer "seed" exited with code 3',
      "│       infrastructure failure in running",
      "│       | cp: no such file",
      "│       | giving up",
      "└─ ○ worker STOPPED",
    ]);
  });

  test("opens the workspace where only it knows of the failure", () => {
    const view = workspaceView({
      status: "STOPPED",
      failure: { ...failure, budgetMs: 60_000, lastLines: [] },
      machines: { web: machineView({ status: "STOPPED" }) },
    });

    expect(draw(view)).toEqual([
      "○ shop STOPPED",
      '│ INSTALLER_FAILED Installer "seed" exited with code 3',
      "│ infrastructure failure in running (budget 60 s)",
      "└─ ○ web STOPPED",
    ]);
  });

  test("says why a workspace stopped, and how often machines were restarted", () => {
    const view = workspaceView({
      status: "STOPPED",
      stopReason: { by: "user", message: "asked by ann" },
      machines: { web: machineView({ status: "STOPPED", restarts: 2 }) },
    });

    expect(draw(view)).toEqual(["○ shop STOPPED  asked by ann", "└─ ○ web STOPPED  restarts: 2"]);
  });

  test("keeps to the last ten lines that a failing machine wrote", () => {
    const lastLines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
    const lines = draw(workspaceView({ failure: { ...failure, lastLines } }));

    expect(lines.filter((line) => line.includes("| line")).length).toBe(10);
    expect(lines.at(-1)).toContain("line 29");
  });
});
