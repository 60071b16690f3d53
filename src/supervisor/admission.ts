import PQueue from "p-queue";
import { FairQueue, type Turn } from "./fair-queue.ts";

/** Lets so many starts be under way at a time; who goes next is the queue's to say. */
export class Admission {
  readonly #underWay = new Map<string, number>();
  readonly #queue: PQueue<FairQueue, Partial<Turn & { signal: AbortSignal }>>;
  readonly #places = new Map<string, () => void>();

  constructor(concurrentStarts: number) {
    const underWay = this.#underWay;
    class Starts extends FairQueue {
      constructor() {
        super(underWay);
      }
    }
    this.#queue = new PQueue<FairQueue, Partial<Turn & { signal: AbortSignal }>>({
      concurrency: concurrentStarts,
      queueClass: Starts,
    });
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** How many were let in and have not left. */
  get underWay(): number {
    return this.#places.size;
  }

  /** Resolves when it is `instanceId`'s turn; the place is held until `leave`. Rejects with `signal.reason` if that comes first. */
  enter(instanceId: string, turn: Turn, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      // Of its own: `signal` goes on to be aborted when the place is held already, and must not give it back.
      const waiting = new AbortController();
      const abort = (): void => {
        waiting.abort();
        reject(signal.reason);
      };
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort, { once: true });
      const hold = (): Promise<void> => {
        signal.removeEventListener("abort", abort);
        return new Promise((release) => {
          this.#count(turn.owner, 1);
          this.#places.set(instanceId, () => {
            this.#count(turn.owner, -1);
            release();
          });
          resolve();
        });
      };
      // Rejects for those who gave up, and they have been told.
      this.#queue.add(hold, { ...turn, signal: waiting.signal }).catch(() => {});
    });
  }

  /** Gives the place back. Nothing happens if there is none. */
  leave(instanceId: string): void {
    this.#places.get(instanceId)?.();
    this.#places.delete(instanceId);
  }

  #count(owner: string, change: number): void {
    const now = (this.#underWay.get(owner) ?? 0) + change;
    if (now === 0) this.#underWay.delete(owner);
    else this.#underWay.set(owner, now);
  }
}
