import type { TroupeEvent, WorkspaceView } from "../model/workspace.ts";
import type { Context } from "./context.ts";
import type { Line } from "./terminal.ts";
import { transitionLine } from "./transition.ts";
import { treeLines } from "./tree.ts";

/** How a workspace is shown while it is followed. */
export interface Display {
  /** What it wants to be told: every event, or only the latest view. */
  readonly policy: "events" | "state";
  events(events: readonly TroupeEvent[]): void;
  view(view: WorkspaceView): void;
  /** Says something beside it. */
  say(line: Line): void;
  /** Leaves the last view where it is, and the terminal as it was. */
  close(): void;
}

/** Ten times a second: often enough to seem alive. */
const REPAINT_MS = 100;

/** The tree, repainted in place: for terminals. */
export function treeDisplay({ terminal, host }: Context): Display {
  let latest: WorkspaceView | undefined;
  const paint = () => {
    if (latest !== undefined) terminal.live(treeLines(latest, Date.now()));
  };
  // Repaints also where nothing was told: elapsed times go on.
  const timer = setInterval(paint, REPAINT_MS);
  const restore = () => terminal.restore();
  const removeExitListener = host.onExit(restore);
  return {
    policy: "state",
    events() {},
    view(view) {
      latest = view;
    },
    say: (line) => terminal.tell(line),
    close() {
      clearInterval(timer);
      // What was cut to the terminal's height stays in full.
      terminal.live([]);
      restore();
      if (latest !== undefined) for (const line of treeLines(latest, Date.now())) terminal.print(line);
      removeExitListener();
    },
  };
}

/** One line per transition; at the end the tree, if it tells of a failure: for files and pipes. */
export function lineDisplay({ terminal }: Context): Display {
  let latest: WorkspaceView | undefined;
  return {
    policy: "events",
    events(events) {
      for (const event of events) terminal.print(transitionLine(event));
    },
    view(view) {
      latest = view;
    },
    say: (line) => terminal.tell(line),
    close() {
      if (latest === undefined || latest.failure === null) return;
      for (const line of treeLines(latest, Date.now())) terminal.print(line);
    },
  };
}

/** One JSON object per event. */
export function jsonDisplay({ terminal }: Context): Display {
  return {
    policy: "events",
    events(events) {
      for (const event of events) terminal.json(event);
    },
    view() {},
    say: (line) => terminal.tell(line),
    close() {},
  };
}

/** The last view, once, as JSON. */
export function documentDisplay({ terminal }: Context): Display {
  let latest: WorkspaceView | undefined;
  return {
    policy: "state",
    events() {},
    view(view) {
      latest = view;
    },
    say: (line) => terminal.tell(line),
    close() {
      if (latest !== undefined) terminal.json(latest);
    },
  };
}
