/** Where a reader of a workspace's output is: opaque on the wire; only this file knows what is in it. */
import { z } from "zod";
import { TroupeError } from "../../errors.ts";
import type { OutputCursor, OutputRecord } from "../../infrastructure/spi.ts";

const Place = z.object({
  instanceId: z.string(),
  /** By machine, then as {@link OutputCursor}. */
  cursors: z.record(z.string(), z.record(z.string(), z.int().min(0))),
});

/** A place in the output of one instance; moved on by what was delivered. */
export class OutputPlace {
  readonly instanceId: string;
  readonly #streams = new Map<string, Map<string, number>>();

  constructor(instanceId: string, cursors: Readonly<Record<string, OutputCursor>> = {}) {
    this.instanceId = instanceId;
    for (const [machine, cursor] of Object.entries(cursors))
      this.#streams.set(machine, new Map(Object.entries(cursor)));
  }

  /** @throws {TroupeError} `REQUEST_INVALID` if it was never one of ours. */
  static parse(text: string): OutputPlace {
    try {
      const { instanceId, cursors } = Place.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
      return new OutputPlace(instanceId, cursors);
    } catch (cause) {
      const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
      throw new TroupeError("REQUEST_INVALID", `Cannot resume output from "${shown}": it is not a cursor`, { cause });
    }
  }

  get cursors(): Readonly<Record<string, OutputCursor>> {
    return Object.fromEntries([...this.#streams].map(([machine, streams]) => [machine, Object.fromEntries(streams)]));
  }

  /** Moves behind all that the record tells. */
  advance(record: OutputRecord): void {
    if (record.type === "gap") this.#set(record.machine, record.installer, record.to);
    else for (const { machine, installer, position } of record.lines) this.#set(machine, installer, position);
  }

  toString(): string {
    const { instanceId, cursors } = this;
    return Buffer.from(JSON.stringify({ instanceId, cursors })).toString("base64url");
  }

  #set(machine: string, installer: string | null, position: number): void {
    const streams = this.#streams.get(machine) ?? new Map<string, number>();
    this.#streams.set(machine, streams.set(installer ?? "", position));
  }
}
