import { createClient, type TroupeClient } from "../../src/client/index.ts";
import type { Outcome } from "../examples/program.ts";
import type { RunningCommand } from "./running-command.ts";

/** What a server writes into its ready file. */
export interface Ready {
  readonly url: string;
  readonly outputUrl: string;
  readonly pid: number;
  readonly token?: string;
}

/** One `troupe serve` that can be used. */
export class Server {
  readonly ready: Ready;
  readonly client: TroupeClient;
  readonly #command: RunningCommand;

  constructor(command: RunningCommand, ready: Ready) {
    this.#command = command;
    this.ready = ready;
    this.client = createClient({ url: ready.url, ...(ready.token === undefined ? {} : { token: ready.token }) });
  }

  /** For commands that are to speak to it. */
  get env(): Readonly<Record<string, string>> {
    const { url, token } = this.ready;
    return { TROUPE_URL: url, ...(token === undefined ? {} : { TROUPE_TOKEN: token }) };
  }

  /** When it has ended, however it did. */
  get ended(): Promise<Outcome> {
    return this.#command.outcome;
  }

  /** `kill -9`. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#command.end("SIGKILL");
  }

  /** As an init system would. @returns the exit code. */
  async terminate(): Promise<number | null> {
    return (await this.#command.end("SIGTERM")).code;
  }
}
