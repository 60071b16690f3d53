/** What a command may touch of the process that it runs in; `main.ts` gives the real one, tests another. */
import type { Env } from "../config.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { OutputStream } from "./terminal.ts";

/** Where keys come from, if it is a terminal. */
export interface InputStream extends NodeJS.EventEmitter {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
}

export type Interruption = "SIGINT" | "SIGTERM" | "SIGHUP";

export interface Host {
  readonly env: Env;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /**
   * Tells signals to `handler` in place of ending the process. The latest handler gets them.
   *
   * @returns what takes the handler away again.
   */
  onInterrupt(handler: (signal: Interruption) => void): () => void;
  /** Tells errors that nobody caught to `handler`. @returns what takes it away again. */
  onFatal(handler: (error: unknown) => void): () => void;
  /** Calls `listener` when the process ends, however it does. @returns what takes it away again. */
  onExit(listener: () => void): () => void;
  /** Ends the process at once. */
  exit(code: ExitCode): void;
}
