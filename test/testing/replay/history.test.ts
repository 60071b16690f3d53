import { describe, expect, test } from "vitest";
import type { WorkspaceView } from "../../../src/model/workspace.ts";
import { Laboratory } from "../../../src/testing/laboratory.ts";
import { viewAt, viewsOf } from "../../../src/testing/replay/history.ts";
import { incidentOf, shop, stories, storyOf } from "./stories.ts";

describe("viewAt", () => {
  test.each(Object.entries(stories))("ends with what is shown live: %s", async (_, story) => {
    const laboratory = await Laboratory.open();
    await story(laboratory);
    const incident = await laboratory.supervisor.export("shop");

    expect(viewAt(incident, incident.events.length - 1)).toEqual(laboratory.view("shop"));
  });

  test("shows what was shown live at every moment of a start and a stop", async () => {
    const laboratory = await Laboratory.open({
      latencyMs: { startMachine: 10, fetchImage: 10, exec: 10, destroy: 10 },
    });
    const shown = new Map<number, WorkspaceView>();
    const look = (): void => {
      const view = laboratory.view("shop");
      shown.set(laboratory.supervisor.events("shop", { limit: 1_000 }).length, view);
    };
    const watch = async (status: WorkspaceView["status"]): Promise<void> => {
      while (laboratory.view("shop").status !== status) {
        look();
        await laboratory.clock.advanceAsync(5);
      }
    };

    laboratory.supervisor.create(shop());
    look();
    laboratory.supervisor.start("shop");
    await watch("RUNNING");
    laboratory.supervisor.stop("shop");
    await laboratory.clock.advanceAsync(5);
    laboratory.supervisor.start("shop"); // kept until the first has stopped
    await watch("RUNNING");
    const incident = await laboratory.supervisor.export("shop");

    expect(shown.size).toBeGreaterThan(10);
    for (const [count, view] of shown) {
      // A start that waits is told by the next transition, and not by itself.
      expect({ ...viewAt(incident, count - 1), nextInstanceId: view.nextInstanceId }).toEqual(view);
    }
  });

  test("is the same as going through all", async () => {
    const incident = await incidentOf(storyOf("the process is killed while it runs"));

    expect([...viewsOf(incident)]).toEqual(incident.events.map((_, index) => viewAt(incident, index)));
  });

  test("refuses an event that there is not", async () => {
    const incident = await incidentOf(storyOf("it runs and is stopped"));

    expect(() => viewAt(incident, incident.events.length)).toThrow(RangeError);
  });
});
