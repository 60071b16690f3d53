import { type Bytes, bytesOf, text } from "./codec.ts";
import { sourceOf, sourceText } from "./event-table.ts";
import type { JournalFile, Statement } from "./journal-file.ts";
import type { Deadline, DeadlineChange } from "./spi.ts";

interface Row {
  readonly source: Bytes;
  readonly state: Bytes;
  readonly at: number;
}

/** When the states that wait must be left. Transactions are the caller's. */
export class DeadlineTable {
  readonly #find: Statement<Deadline>;
  readonly #set: Statement<never>;
  readonly #delete: Statement<never>;

  constructor(file: JournalFile) {
    this.#find = file.prepare(
      `SELECT ${["source", "state"].map(bytesOf).join(", ")}, at FROM deadlines WHERE instance_id = ?`,
      deadline,
    );
    this.#set = file.prepare(
      `INSERT INTO deadlines (instance_id, source, state, at) VALUES (?, ?, ?, ?)
       ON CONFLICT (instance_id, source, state) DO UPDATE SET at = excluded.at`,
    );
    this.#delete = file.prepare("DELETE FROM deadlines WHERE instance_id = ? AND source = ? AND state = ?");
  }

  change({ instanceId, source, state, at }: DeadlineChange): void {
    const key = sourceText(source);
    if (at === null) this.#delete.run(instanceId, key, state);
    else this.#set.run(instanceId, key, state, at);
  }

  of(instanceId: string): readonly Deadline[] {
    return this.#find.all(instanceId);
  }
}

function deadline({ source, state, at }: Row): Deadline {
  return { source: sourceOf(text(source)), state: text(state), at };
}
