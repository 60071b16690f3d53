import pino, { type DestinationStream, type Level, type Logger } from "pino";

export type { Logger } from "pino";

/**
 * Where a secret may stand in what is logged: at the top, or one object down.
 *
 * A second line of defence. The first is that nobody logs a config, an environment or a header.
 */
const SECRETS = ["token", "tokens", "authorization", "cookie", "password", "secret", "env"];

/** A logger that writes JSON lines, with secrets cut out. Default destination: standard error. */
export function createLogger(level: Level | "silent", destination: DestinationStream = pino.destination(2)): Logger {
  return pino(
    {
      level,
      base: null,
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: "[secret]" },
    },
    destination,
  );
}

/** A logger that says nothing, for those who were given none. */
export function silentLogger(): Logger {
  return pino({ level: "silent" });
}
