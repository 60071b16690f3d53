import type { Failure } from "../../machines/failure.ts";
import type { ActorView, InstallerView, MachineView, ServerView, WorkspaceView } from "../model/workspace.ts";
import { formatBudget, formatElapsed } from "./duration.ts";
import type { Line, Span, Style } from "./terminal.ts";

interface Node {
  readonly view: ActorView & { readonly status: string };
  readonly name: string;
  /** What follows the status. */
  readonly notes: readonly Span[];
  readonly children: readonly Node[];
}

/** At most this many of a failing leaf's last lines. */
const LAST_LINES = 10;

const marks: Readonly<Record<string, { readonly text: string; readonly style: Style }>> = {
  RUNNING: { text: "●", style: "green" },
  DONE: { text: "✓", style: "green" },
  STARTING: { text: "◌", style: "yellow" },
  STOPPING: { text: "◌", style: "yellow" },
  FAILED: { text: "✗", style: "red" },
};
const otherMark = { text: "○", style: "dim" } as const;

/**
 * A workspace as a tree: machines, and in each its installers and servers.
 *
 * Whatever waits shows how much of its budget is used. The deepest actor that failed opens: what went wrong, where,
 * and the last that it said.
 */
export function treeLines(view: WorkspaceView, now: number): Line[] {
  const machines = Object.entries(view.machines).map(([name, machine]) => machineNode(name, machine));
  const reason = view.stopReason === null || view.status === "RUNNING" ? [] : [dim(view.stopReason.message)];
  const root: Node = { view, name: view.name, notes: reason, children: machines };
  return nodeLines(root, now, [], []).lines;
}

/** What went wrong, as lines of a tree or below an error. */
export function failureLines(failure: Failure): Line[] {
  const budget = failure.budgetMs === null ? [] : [dim(` (budget ${formatBudget(failure.budgetMs)})`)];
  return [
    [{ text: failure.code, style: "red" }, ` ${failure.message}`],
    [dim(`${failure.class} failure in ${failure.state}`), ...budget],
    ...failure.lastLines.slice(-LAST_LINES).map((text): Line => [dim("| "), text]),
  ];
}

function machineNode(name: string, view: MachineView): Node {
  const notes = view.restarts === 0 ? [] : [dim(`restarts: ${view.restarts}`)];
  const installers = Object.entries(view.installers).map(([id, installer]) => installerNode(id, installer));
  const servers = Object.entries(view.servers).map(([server, serverView]) => serverNode(server, serverView));
  return { view, name, notes, children: [...installers, ...servers] };
}

function installerNode(id: string, view: InstallerView): Node {
  return { view, name: `${id}:${view.version}`, notes: [], children: [] };
}

function serverNode(name: string, view: ServerView): Node {
  const url: Span[] = view.url === null ? [] : [{ text: view.url, style: "cyan" }];
  const probe =
    view.status === "RUNNING" || view.state === "ended" || view.lastProbe === null ? [] : [dim(view.lastProbe)];
  return { view, name, notes: [...url, ...(view.internal ? [dim("internal")] : []), ...probe], children: [] };
}

function nodeLines(node: Node, now: number, head: Line, indent: Line): { lines: Line[]; hasOpened: boolean } {
  const last = node.children.length - 1;
  const children = node.children.map((child, index) =>
    index === last
      ? nodeLines(child, now, [...indent, dim("└─ ")], [...indent, "   "])
      : nodeLines(child, now, [...indent, dim("├─ ")], [...indent, dim("│  ")]),
  );
  // A failure is told on every level up to the workspace: it is shown where it happened.
  const opens = node.view.failure !== null && !children.some(({ hasOpened }) => hasOpened);
  const failure = opens && node.view.failure !== null ? failureLines(node.view.failure) : [];
  return {
    lines: [
      [...head, ...titleOf(node, now)],
      ...failure.map((line): Line => [...indent, last < 0 ? "  " : dim("│ "), ...line]),
      ...children.flatMap(({ lines }) => lines),
    ],
    hasOpened: opens || children.some(({ hasOpened }) => hasOpened),
  };
}

function titleOf({ view, name, notes }: Node, now: number): Line {
  const mark = marks[view.status] ?? otherMark;
  const waiting = waitingOf(view, now);
  return [
    mark,
    " ",
    { text: name, style: "bold" },
    ` ${view.status}`,
    ...(waiting === undefined ? [] : ["  ", dim(waiting)]),
    ...notes.flatMap((note) => ["  ", note]),
  ];
}

/** The state and its budget, of whatever has a deadline. */
function waitingOf(view: ActorView, now: number): string | undefined {
  if (view.deadlineAt === null || view.budgetMs === null) return undefined;
  // From the deadline, not from `since`: a restart of the supervisor makes no budget longer.
  const elapsedMs = view.budgetMs - (view.deadlineAt - now);
  return `${view.state} ${formatElapsed(elapsedMs, view.budgetMs)}`;
}

function dim(text: string): Span {
  return { text, style: "dim" };
}
