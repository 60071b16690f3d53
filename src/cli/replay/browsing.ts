/** Where somebody is who goes through an incident, and where a key leads. Pure. */
export interface Browsing {
  /** Of the event that is shown, from 0. */
  readonly index: number;
  /** What is being typed: a number to go to, or text to look for. */
  readonly prompt: { readonly kind: "number" | "text"; readonly typed: string } | null;
  /** The last text that was looked for. */
  readonly sought: string;
  /** What came of the last key, if that needs to be said. */
  readonly message: string | null;
  readonly isOver: boolean;
}

/** What is gone through. */
export interface Browsed {
  readonly count: number;
  /** Whether the event at `index` mentions `text`. */
  mentions(index: number, text: string): boolean;
}

export const begin: Browsing = { index: 0, prompt: null, sought: "", message: null, isOver: false };

const FORWARD = ["n", " ", "\r", "\n", "\u001b[C", "\u001b[B", "\u001bOC", "\u001bOB"];
const BACK = ["p", "\u001b[D", "\u001b[A", "\u001bOD", "\u001bOA"];
/** `q`, Ctrl-C, Ctrl-D. */
const QUIT = ["q", "\u0003", "\u0004"];
const ENTER = ["\r", "\n"];
const ERASE = ["\u007f", "\b"];
const ESCAPE = "\u001b";

export function press(browsing: Browsing, key: string, browsed: Browsed): Browsing {
  const quiet = { ...browsing, message: null };
  if (browsing.prompt !== null) return type(quiet, browsing.prompt, key, browsed);
  if (QUIT.includes(key)) return { ...quiet, isOver: true };
  if (FORWARD.includes(key)) return goTo(quiet, browsing.index + 1, browsed);
  if (BACK.includes(key)) return goTo(quiet, browsing.index - 1, browsed);
  if (key === "g") return { ...quiet, prompt: { kind: "number", typed: "" } };
  if (key === "/") return { ...quiet, prompt: { kind: "text", typed: "" } };
  return quiet;
}

function type(browsing: Browsing, prompt: NonNullable<Browsing["prompt"]>, key: string, browsed: Browsed): Browsing {
  const { kind, typed } = prompt;
  if (key === ESCAPE || key === "\u0003") return { ...browsing, prompt: null };
  if (ERASE.includes(key)) return { ...browsing, prompt: { kind, typed: typed.slice(0, -1) } };
  if (!ENTER.includes(key)) return key < " " ? browsing : { ...browsing, prompt: { kind, typed: typed + key } };
  const done = { ...browsing, prompt: null };
  return kind === "number" ? goTo(done, Number(typed) - 1, browsed) : seek(done, typed, browsed);
}

function goTo(browsing: Browsing, index: number, { count }: Browsed): Browsing {
  if (Number.isInteger(index) && index >= 0 && index < count) return { ...browsing, index };
  if (index === count) return { ...browsing, message: "That was the last event" };
  return { ...browsing, message: index === -1 ? "That was the first event" : `There are events 1 to ${count}` };
}

/** The next event that mentions it, on from the one that is shown and round to it. Nothing typed: the same again. */
function seek(browsing: Browsing, typed: string, { count, mentions }: Browsed): Browsing {
  const sought = typed === "" ? browsing.sought : typed;
  for (let step = 1; step <= count && sought !== ""; step += 1) {
    const index = (browsing.index + step) % count;
    if (mentions(index, sought)) return { ...browsing, index, sought };
  }
  return { ...browsing, sought, message: `No event mentions "${sought}"` };
}
