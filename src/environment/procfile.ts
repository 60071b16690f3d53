const LINE = /^([A-Za-z0-9][A-Za-z0-9_-]*):[ \t]*(\S.*)$/;

export interface Procfile {
  /** Command lines by the name of the process, in order. */
  readonly commands: readonly (readonly [name: string, command: string])[];
  /** Numbers, from 1, of the lines that are none. */
  readonly strayLines: readonly number[];
}

/** Reads a Procfile: `name: command` on each line; blank lines and comments (`#`) count for nothing. */
export function parseProcfile(text: string): Procfile {
  const commands: [string, string][] = [];
  const strayLines: number[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, name, command] = LINE.exec(line) ?? [];
    if (name === undefined || command === undefined) strayLines.push(index + 1);
    else commands.push([name, command.trimEnd()]);
  }
  return { commands, strayLines };
}

/** Whether text of which nobody said what it is can be meant as a Procfile. A process recipe in YAML begins with `machines:`. */
export function isProcfile(text: string): boolean {
  const { commands, strayLines } = parseProcfile(text);
  return commands.length > 0 && strayLines.length === 0 && !commands.some(([name]) => name === "machines");
}
