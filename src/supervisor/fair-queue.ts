import type { Queue } from "p-queue";

/** What a start is ordered by. */
export interface Turn {
  readonly owner: string;
  /** Higher goes first. */
  readonly priority: number;
}

export type Task = () => Promise<unknown>;

/** What p-queue gives with a task. */
interface Entry extends Turn {
  readonly id: string;
}

/**
 * Among the highest priority the owner with the fewest starts under way goes next, then who has waited longest
 * since its last turn; within an owner, first come, first served.
 */
export class FairQueue implements Queue<Task, Entry> {
  #waiting: { readonly task: Task; readonly turn: Turn; readonly id: string }[] = [];
  readonly #underWay: ReadonlyMap<string, number>;
  readonly #lastTurn = new Map<string, number>();
  #turns = 0;

  /** @param underWay how many starts each owner has under way; read at every choice */
  constructor(underWay: ReadonlyMap<string, number>) {
    this.#underWay = underWay;
  }

  get size(): number {
    return this.#waiting.length;
  }

  enqueue(task: Task, { owner = "", priority = 0, id = "" }: Partial<Entry> = {}): void {
    this.#waiting.push({ task, turn: { owner, priority }, id });
  }

  /** Whoever waits under this id has given up. */
  remove(id: string): void {
    this.#waiting = this.#waiting.filter((entry) => entry.id !== id);
  }

  dequeue(): Task | undefined {
    const next = this.#waiting.reduce<number | undefined>(
      (best, { turn }, index) => (best === undefined || this.#isBefore(turn, this.#waiting[best]?.turn) ? index : best),
      undefined,
    );
    if (next === undefined) return undefined;
    const [chosen] = this.#waiting.splice(next, 1);
    this.#turns += 1;
    if (chosen !== undefined) this.#lastTurn.set(chosen.turn.owner, this.#turns);
    if (this.#waiting.length === 0) this.#lastTurn.clear(); // nobody waits: nothing to remember
    return chosen?.task;
  }

  filter({ priority }: Partial<Turn>): Task[] {
    return this.#waiting.filter(({ turn }) => turn.priority === priority).map(({ task }) => task);
  }

  /** Required by the interface; starts have no ids here, and keep their priority. */
  setPriority(): void {}

  #isBefore(turn: Turn, other: Turn | undefined): boolean {
    if (other === undefined) return true;
    if (turn.priority !== other.priority) return turn.priority > other.priority;
    const starts = ({ owner }: Turn): number => this.#underWay.get(owner) ?? 0;
    if (starts(turn) !== starts(other)) return starts(turn) < starts(other);
    return (this.#lastTurn.get(turn.owner) ?? 0) < (this.#lastTurn.get(other.owner) ?? 0);
  }
}
