import type { SubscribeOptions, Subscription } from "../../channels/hub.ts";
import type { ChannelRecord, StateRecord } from "../../channels/records.ts";
import type { TroupeEvent } from "../../model/workspace.ts";
import type { Supervisor } from "../../supervisor/api.ts";
import type { ReaderHistory } from "./moment.ts";

/** Records at a time that an eager reader takes: whatever comes. */
const ALL = Number.POSITIVE_INFINITY;

/**
 * A subscriber to all workspaces that writes down what it is told. It resumes by its cursor when it comes back, to the
 * same process or to the next.
 */
export class Reader implements ReaderHistory {
  readonly name: string;
  readonly isEager: boolean;
  readonly events: TroupeEvent[] = [];
  from: number | null = null;
  gaps = 0;
  #cursor: string | undefined;
  #subscription: Subscription | undefined;
  /** Records that it may take. */
  #appetite: number;
  #hungry: () => void = () => {};

  constructor(name: string, pace: "eager" | "slow") {
    this.name = name;
    this.isEager = pace === "eager";
    this.#appetite = this.isEager ? ALL : 0;
  }

  /** @param isAlive whether the process that it subscribes to still runs; what comes after that went nowhere */
  attach(supervisor: Supervisor, isAlive: () => boolean): void {
    this.detach();
    const options: SubscribeOptions = this.#cursor === undefined ? {} : { since: this.#cursor };
    const subscription = supervisor.subscribe("all", options);
    this.#subscription = subscription;
    const isHere = () => this.#subscription === subscription && isAlive();
    this.#read(subscription, isHere).catch(() => {}); // a supervisor that is closed says so; the next one goes on
  }

  /** Goes away. */
  detach(): void {
    this.#subscription?.close();
    this.#subscription = undefined;
    this.#hungry();
  }

  /** Takes one more record, when there is one. */
  read(): void {
    this.#appetite += 1;
    this.#hungry();
  }

  async #read(subscription: Subscription, isHere: () => boolean): Promise<void> {
    const records = subscription[Symbol.asyncIterator]();
    while (isHere()) {
      if (this.#appetite <= 0) {
        await new Promise<void>((resolve) => {
          this.#hungry = resolve;
        });
        continue;
      }
      const { done, value } = await records.next();
      if (done || !isHere()) return;
      this.#appetite -= 1;
      this.#take(value);
    }
  }

  #take(record: ChannelRecord | StateRecord): void {
    if (record.type === "snapshot") this.from ??= positionOf(record.cursor);
    else if (record.type === "gap") this.gaps += 1;
    else if (record.type === "events") this.events.push(...record.events);
    this.#cursor = record.type === "gap" ? record.to : record.cursor;
  }
}

/** A test may look into a cursor; a client may not. */
function positionOf(cursor: string): number {
  return Number(cursor.slice(cursor.lastIndexOf(".") + 1));
}
