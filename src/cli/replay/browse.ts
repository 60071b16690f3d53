import type { Context } from "../context.ts";
import { type Line, plainText } from "../terminal.ts";
import { type Browsed, type Browsing, begin, press } from "./browsing.ts";
import { keysFrom } from "./keyboard.ts";

/** What somebody goes through, one at a time. */
export interface Pages {
  readonly count: number;
  /** What happened; it is what one looks for text in. */
  happening(index: number): readonly Line[];
  /** What there was after it. */
  picture(index: number): readonly Line[];
}

/** Whether there is somebody at a terminal. */
export function canBrowse({ terminal, host }: Context): boolean {
  return terminal.isInteractive && host.stdin.isTTY === true;
}

/** Lets somebody at a terminal go back and forth, until they have seen enough. */
export async function browse({ terminal, host }: Context, pages: Pages): Promise<void> {
  const { count } = pages;
  if (count === 0) return;
  const browsed: Browsed = {
    count,
    mentions: (index, text) => textOf(pages.happening(index)).includes(text.toLowerCase()),
  };
  // What is cut off, if the terminal is too small, is the top: what happened is below.
  const screenOf = (browsing: Browsing): Line[] => [
    ...pages.picture(browsing.index),
    [],
    ...pages.happening(browsing.index),
    [],
    footer(browsing, count),
  ];
  const removeExitListener = host.onExit(() => terminal.restore());
  let browsing = begin;
  terminal.live(screenOf(browsing));
  try {
    for await (const key of keysFrom(host.stdin)) {
      browsing = press(browsing, key, browsed);
      if (browsing.isOver) break;
      terminal.live(screenOf(browsing));
    }
  } finally {
    terminal.restore();
    removeExitListener();
  }
}

function footer({ index, prompt, message }: Browsing, count: number): Line {
  const place = { text: `${index + 1} of ${count}  `, style: "bold" } as const;
  if (prompt !== null) return [place, prompt.kind === "number" ? `go to: ${prompt.typed}` : `/${prompt.typed}`];
  if (message !== null) return [place, { text: message, style: "yellow" }];
  return [place, { text: "n next  p back  g go to a number  / look for text  q quit", style: "dim" }];
}

function textOf(lines: readonly Line[]): string {
  return lines
    .map((line) => line.map(plainText).join(""))
    .join("\n")
    .toLowerCase();
}
