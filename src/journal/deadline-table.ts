import type { Source } from "../../machines/port.ts";
import { sourceText } from "./event-table.ts";
import type { JournalFile, Statement } from "./journal-file.ts";

/** When the states that wait must be left. Each call is one small transaction, or part of the caller's. */
export class DeadlineTable {
  readonly #find: Statement<{ readonly at: number }>;
  readonly #insert: Statement<never>;
  readonly #delete: Statement<never>;

  constructor(file: JournalFile) {
    const one = "instance_id = ? AND source = ? AND state = ?";
    this.#find = file.prepare(`SELECT at FROM deadlines WHERE ${one}`);
    this.#insert = file.prepare("INSERT INTO deadlines (instance_id, source, state, at) VALUES (?, ?, ?, ?)");
    this.#delete = file.prepare(`DELETE FROM deadlines WHERE ${one}`);
  }

  keep(instanceId: string, source: Source, state: string, at: number): number {
    const key = sourceText(source);
    const kept = this.#find.get(instanceId, key, state);
    if (kept !== undefined) return kept.at;
    this.#insert.run(instanceId, key, state, at);
    return at;
  }

  clear(instanceId: string, source: Source, state: string): void {
    this.#delete.run(instanceId, sourceText(source), state);
  }
}
