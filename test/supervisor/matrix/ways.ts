/** How the whole system is brought into each state of each chart, and held there. */
import type { Source } from "../../../machines/port.ts";
import { TroupeError } from "../../../src/errors.ts";
import { workspaceOf } from "../../../src/testing/workspace-of.ts";
import type { Gate, Hold } from "./gate.ts";
import type { Scene, SceneSketch } from "./scene.ts";

export interface Way {
  readonly source: Source;
  readonly state: string;
  /** Tells ways to the same state apart. */
  readonly note?: string;
  readonly sketch?: SceneSketch;
  /** Resolves to what holds up the work that the state itself asks for; `null` if it asks for none that could be. */
  go(scene: Scene): Promise<Gate | null>;
}

const workspace: Source = { kind: "workspace" };
const web: Source = { kind: "machine", machine: "web" };
const tools: Source = { kind: "installer", machine: "web", name: "tools" };
const agent: Source = { kind: "installer", machine: "web", name: "agent" };
const http: Source = { kind: "server", machine: "web", name: "http" };

/** A start that is held up, `source` being in `state` then. */
function heldStart(source: Source, state: string, hold: Hold, isOwn: boolean, more: Partial<Way> = {}): Way {
  return {
    source,
    state,
    ...more,
    async go(scene) {
      const gate = scene.hold(hold);
      scene.start();
      await scene.reach(source, state);
      return isOwn ? gate : null;
    },
  };
}

/** Something that is held up when all had been well. */
function heldLater(
  source: Source,
  state: string,
  hold: Hold | null,
  happen: (scene: Scene) => void,
  isOwn: boolean,
  more: Partial<Way> = {},
): Way {
  return {
    source,
    state,
    ...more,
    async go(scene) {
      await scene.run();
      const gate = hold === null ? null : scene.hold(hold);
      happen(scene);
      await scene.reach(source, state);
      return isOwn ? gate : null;
    },
  };
}

const steady = (source: Source, state: string): Way => heldLater(source, state, null, () => {}, false);
const stop = (scene: Scene): void => scene.stop();
const forceStop = (scene: Scene): void => scene.stop(true);
const crash = (scene: Scene): void => scene.laboratory.infrastructure.crash(scene.instanceId, "web");
const finish = (scene: Scene): void => scene.laboratory.infrastructure.finish(scene.instanceId, "web");
const lose = (scene: Scene): void => scene.laboratory.infrastructure.away(scene.instanceId, "web", "unplugged");
const silence = (scene: Scene, server: string): void =>
  scene.laboratory.infrastructure.serve(scene.instanceId, "web", server, false);

/** A supervisor that has been killed and comes back, and is held up looking. */
function recovering(state: string, before: Way): Way {
  return {
    source: workspace,
    state,
    ...(before.sketch === undefined ? {} : { sketch: before.sketch }),
    async go(scene) {
      await before.go(scene);
      const gate = scene.hold({ operation: "observe" });
      scene.laboratory.kill();
      await scene.laboratory.boot();
      await scene.reach(workspace, state);
      return gate;
    },
  };
}

/** The same with the connection to the machine lost. */
function lost(way: Way): Way {
  const state = way.state.replace("held", "lost");
  return {
    ...way,
    state,
    async go(scene) {
      await way.go(scene);
      lose(scene);
      await scene.reach(way.source, state);
      return null;
    },
  };
}

/** The server does not answer, from before it is first asked. */
function unanswered(source: Source, state: string): Way {
  return {
    source,
    state,
    async go(scene) {
      const gate = scene.hold({ operation: "exec" });
      scene.start();
      await scene.reach(tools, "active.running");
      silence(scene, "http");
      gate.open();
      await scene.reach(source, state);
      return null;
    },
  };
}

const launching: Way = {
  source: workspace,
  state: "starting.launching",
  async go(scene) {
    scene.hold({ operation: "startMachine", machine: "web" });
    scene.start();
    await scene.reach(web, "starting.booting"); // `db` is up by then
    return null;
  },
};
const relaunching = heldLater(
  workspace,
  "starting.relaunching",
  { operation: "stopMachine", machine: "db" },
  crash,
  false,
  { sketch: { onFailure: "one-for-all", isTemporary: true } },
);
const halting = heldLater(
  workspace,
  "stopping.halting",
  { operation: "stopMachine", machine: "web" },
  (scene) => {
    scene.hold({ operation: "stopMachine", machine: "web" }); // and when it is killed
    scene.stop();
  },
  false,
);

const workspaceWays: readonly Way[] = [
  {
    source: workspace,
    state: "stopped",
    async go(scene) {
      await scene.run();
      scene.stop();
      await scene.reach(workspace, "stopped");
      return null;
    },
  },
  {
    source: workspace,
    state: "starting.queued",
    sketch: { concurrentStarts: 1 },
    async go(scene) {
      const { supervisor } = scene.laboratory;
      scene.hold({ operation: "prepare" });
      supervisor.create(workspaceOf("other", { one: {} }));
      supervisor.start("other");
      scene.start();
      await scene.reach(workspace, "starting.queued");
      return null;
    },
  },
  heldStart(workspace, "starting.preparing", { operation: "prepare" }, true),
  launching,
  heldStart(workspace, "starting.initializing", { operation: "exec" }, false),
  relaunching,
  steady(workspace, "running.steady"),
  heldLater(workspace, "running.interrupted", null, lose, false),
  {
    source: workspace,
    state: "stopping.interrupting",
    async go(scene) {
      const gate = scene.hold({ operation: "prepare", isDeaf: true });
      scene.start();
      await scene.reach(workspace, "starting.preparing");
      scene.stop();
      await scene.reach(workspace, "stopping.interrupting");
      return gate;
    },
  },
  halting,
  heldLater(workspace, "stopping.destroying.removing", { operation: "destroy" }, stop, true),
  {
    source: workspace,
    state: "stopping.destroying.cooling",
    async go(scene) {
      await scene.run();
      scene.laboratory.infrastructure.jam(scene.instanceId, "db", "its file system hangs");
      scene.stop();
      await scene.reach(workspace, "stopping.destroying.cooling");
      return null;
    },
  },
  recovering("recovering.resuming", launching),
  recovering("recovering.relaunching", relaunching),
  recovering("recovering.adopting", steady(workspace, "running.steady")),
  recovering("recovering.finishing", halting),
];

const installing = heldStart(web, "running.bootstrap.installing & connection.held", { operation: "exec" }, false);
const checking = unanswered(web, "running.bootstrap.checking & connection.held");
const ready = steady(web, "running.bootstrap.ready & connection.held");

const machineWays: readonly Way[] = [
  heldStart(web, "waiting", { operation: "startMachine", machine: "db" }, false),
  heldStart(web, "starting.image", { operation: "fetchImage", machine: "web" }, true),
  heldStart(web, "starting.creating", { operation: "createMachine", machine: "web" }, true),
  heldStart(web, "starting.booting", { operation: "startMachine", machine: "web" }, true),
  heldStart(web, "starting.booting", { operation: "startMachine", machine: "web", when: "after" }, true, {
    note: "runs, and nobody knows",
  }),
  installing,
  lost(installing),
  checking,
  lost(checking),
  ready,
  lost(ready),
  heldLater(web, "restarting.killing", { operation: "stopMachine", machine: "web" }, crash, true),
  heldLater(web, "restarting.killing", { operation: "stopMachine", machine: "web" }, lose, true, {
    note: "out of sight",
  }),
  heldLater(web, "restarting.removing", { operation: "removeMachine", machine: "web" }, crash, true),
  heldLater(web, "restarting.removing", { operation: "removeMachine", machine: "web", when: "after" }, crash, true, {
    note: "gone, and nobody knows",
  }),
  heldLater(web, "restarting.pausing", null, crash, false),
  heldLater(web, "stopping.terminating", { operation: "stopMachine", machine: "web" }, stop, true),
  heldLater(web, "stopping.killing", { operation: "stopMachine", machine: "web" }, forceStop, true),
  heldLater(web, "stopping.killing", { operation: "stopMachine", machine: "web" }, crash, true, {
    note: "failed",
    sketch: { isTemporary: true },
  }),
  {
    source: web,
    state: "stopping.terminating",
    note: "to be launched again",
    sketch: { onFailure: "one-for-all", isTemporary: true },
    async go(scene) {
      await scene.run();
      const gate = scene.hold({ operation: "stopMachine", machine: "web" });
      scene.laboratory.infrastructure.crash(scene.instanceId, "db");
      await scene.reach(web, "stopping.terminating");
      return gate;
    },
  },
  {
    source: web,
    state: "stopping.killing",
    note: "never created",
    async go(scene) {
      const error = new TroupeError("COMMAND_NOT_FOUND", "There is no such program");
      scene.laboratory.infrastructure.inject({ operation: "fetchImage", machine: "web", error });
      const gate = scene.hold({ operation: "stopMachine", machine: "web" });
      scene.start();
      await scene.reach(web, "stopping.killing");
      return gate;
    },
  },
  heldLater(web, "stopping.removing", { operation: "removeMachine", machine: "web" }, stop, true),
  heldLater(web, "stopping.removing", { operation: "removeMachine", machine: "web" }, finish, true, {
    note: "completed",
  }),
  heldLater(web, "stopping.removing", { operation: "removeMachine", machine: "web", when: "after" }, finish, true, {
    note: "completed and gone",
  }),
  heldLater(web, "stopping.removing", { operation: "removeMachine", machine: "web", when: "after" }, crash, true, {
    note: "failed and gone",
    sketch: { isTemporary: true },
  }),
  heldLater(web, "stopping.removing", { operation: "removeMachine", machine: "web" }, crash, true, {
    note: "failed",
    sketch: { isTemporary: true },
  }),
  heldLater(web, "stopped", { operation: "stopMachine", machine: "db" }, stop, false),
  heldLater(web, "completed", null, finish, false),
  heldLater(web, "failed", null, crash, false, { sketch: { onFailure: "one-for-one", isTemporary: true } }),
];

const installerWays: readonly Way[] = [
  {
    source: agent,
    state: "pending",
    async go(scene) {
      await installing.go(scene);
      return null;
    },
  },
  heldStart(tools, "active.running", { operation: "exec" }, true),
  {
    source: tools,
    state: "active.running",
    note: "its script runs",
    sketch: { execs: { tools: (process) => process.forever() } },
    async go(scene) {
      const gate = scene.hold({ operation: "exec", when: "during" });
      scene.start();
      await scene.reach(tools, "active.running");
      return gate;
    },
  },
  {
    source: tools,
    state: "active.awaitingServers",
    sketch: { hasSock: true },
    async go(scene) {
      const gate = scene.hold({ operation: "exec" });
      scene.start();
      // The first look at the server comes a moment after the script has begun.
      await scene.clock.runUntil(() => scene.stateOf(web).startsWith("running.bootstrap.installing"));
      silence(scene, "sock");
      gate.open();
      await scene.reach(tools, "active.awaitingServers");
      return null;
    },
  },
  steady(tools, "done"),
  {
    source: tools,
    state: "done",
    note: "others are not",
    sketch: { execs: { agent: (process) => process.forever() } },
    async go(scene) {
      scene.start();
      await scene.reach(agent, "active.running");
      return null;
    },
  },
  heldStart(tools, "failed", { operation: "stopMachine", machine: "web" }, false, {
    sketch: { execs: { tools: () => 1 } },
  }),
  heldStart(tools, "timedOut", { operation: "stopMachine", machine: "web" }, false, {
    sketch: { execs: { tools: (process) => process.forever() }, timeoutMs: 1_000 },
  }),
  {
    source: tools,
    state: "interrupted",
    async go(scene) {
      scene.hold({ operation: "exec" });
      scene.hold({ operation: "stopMachine", machine: "web" });
      scene.start();
      await scene.reach(tools, "active.running");
      scene.stop();
      await scene.reach(tools, "interrupted");
      return null;
    },
  },
];

const serverWays: readonly Way[] = [
  {
    source: http,
    state: "unknown",
    async go(scene) {
      await installing.go(scene);
      return null;
    },
  },
  unanswered(http, "checking"),
  steady(http, "live.running"),
  heldLater(http, "live.stopped", null, (scene) => silence(scene, "http"), false),
  heldLater(http, "ended", { operation: "stopMachine", machine: "web" }, stop, false),
];

export const ways: readonly Way[] = [...workspaceWays, ...machineWays, ...installerWays, ...serverWays];

/** `machine starting.image`. */
export function rowOf({ source, state }: Pick<Way, "source" | "state">): string {
  return `${source.kind} ${state}`;
}
