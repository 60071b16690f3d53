import { describe, expect, test } from "vitest";
import { planOf } from "../../src/supervisor/plan.ts";
import { environmentOf, type MachineSketch } from "../../src/testing/environment-of.ts";

const plan = (machines: Record<string, MachineSketch>) => planOf(environmentOf({ machines }));

const slow: MachineSketch = { servers: { http: { readiness: { budgetMs: 300_000 } } } };

describe("the plan", () => {
  test("gives each part the budgets that its user wrote", () => {
    const { machines } = plan({
      web: {
        graceMs: 20_000,
        installers: [{ id: "agent", timeoutMs: 7_000 }],
        servers: { http: { readiness: { budgetMs: 9_000 } } },
      },
    });

    expect(machines["web"]?.installers).toMatchObject([{ id: "agent", timeoutMs: 7_000 }]);
    expect(machines["web"]?.servers).toMatchObject([{ name: "http", readinessBudgetMs: 9_000 }]);
    expect(machines["web"]?.budgets.stopMs).toBeGreaterThan(20_000);
  });

  test("makes a budget for all a net below the budgets of each", () => {
    const { machines } = plan({
      web: {
        installers: [
          { id: "one", timeoutMs: 700_000 },
          { id: "two", timeoutMs: 800_000 },
        ],
        servers: { http: { readiness: { budgetMs: 100_000 } }, metrics: { readiness: { budgetMs: 300_000 } } },
      },
    });

    expect(machines["web"]?.budgets.installMs).toBeGreaterThan(1_500_000);
    expect(machines["web"]?.budgets.checkMs).toBeGreaterThan(300_000);
  });

  test("adds budgets up along the longest chain of dependencies, not over all machines", () => {
    const one = plan({ db: slow }).budgets;
    const beside = plan({ db: slow, cache: slow }).budgets;
    const chain = plan({ db: slow, web: { ...slow, dependsOn: { db: "healthy" } } }).budgets;

    expect(beside).toEqual(one);
    expect(chain.launchMs).toBe(2 * one.launchMs);
    expect(chain.haltMs).toBe(2 * one.haltMs);
  });

  test("weighs the longest of several ways to a machine", () => {
    const diamond = {
      db: {},
      fast: { dependsOn: { db: "started" } },
      slow: { graceMs: 60_000, dependsOn: { db: "started" } },
      web: { dependsOn: { fast: "healthy", slow: "healthy" } },
    } satisfies Record<string, MachineSketch>;
    const { fast: _, ...straight } = diamond;

    expect(plan(diamond).budgets.haltMs).toBe(
      plan({ ...straight, web: { dependsOn: { slow: "healthy" } } }).budgets.haltMs,
    );
  });

  test("lets a machine stop within the budget that all of them have together", () => {
    const { machines, budgets } = plan({
      db: { graceMs: 30_000 },
      web: { graceMs: 5_000, dependsOn: { db: "started" } },
    });
    const longest = (["db", "web"] as const)
      .map((name) => machines[name]?.budgets ?? { stopMs: 0, killMs: 0, removeMs: 0 })
      .reduce((sum, { stopMs, killMs, removeMs }) => sum + stopMs + killMs + removeMs, 0);

    expect(budgets.haltMs).toBeGreaterThanOrEqual(longest);
  });

  test("lets a machine get up within the budget of whoever waits for it, and of the launch", () => {
    const { machines, budgets } = plan({ db: slow, web: { ...slow, dependsOn: { db: "healthy" } } });
    const upMs = (name: string): number => {
      const { imageMs = 0, createMs = 0, bootMs = 0, installMs = 0, checkMs = 0 } = machines[name]?.budgets ?? {};
      return imageMs + createMs + bootMs + installMs + checkMs;
    };

    expect(machines["web"]?.budgets.waitMs).toBeGreaterThanOrEqual(upMs("db"));
    expect(budgets.launchMs).toBeGreaterThanOrEqual(upMs("db") + upMs("web"));
    expect(budgets.initializeMs).toBeGreaterThanOrEqual(
      upMs("web") - (machines["web"]?.budgets.imageMs ?? 0) - 120_000,
    );
  });

  test("gives every waiting state a budget", () => {
    const { machines, budgets } = plan({ web: {} });

    for (const ms of [...Object.values(budgets), ...Object.values(machines["web"]?.budgets ?? {})]) {
      expect(ms).toBeGreaterThan(0);
      expect(ms).toBeLessThan(24 * 3_600_000);
    }
  });
});
