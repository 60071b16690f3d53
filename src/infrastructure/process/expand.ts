/** A shell expands for itself, and knows which quotes to respect. */
const SHELL = /(^|\/)(a|ba|da|k|z)?sh$/;

/**
 * Replaces `$NAME` and `${NAME}` in a command by the values in `env`. Names that are not in it stay as they are, and
 * so does everything else that a shell would do something about. A command given to a shell (`sh -c …`) is the shell's.
 */
export function expandCommand(command: readonly string[], env: Readonly<Record<string, string>>): readonly string[] {
  const [program, flag] = command;
  if (program !== undefined && SHELL.test(program) && flag === "-c") return command;
  return command.map((word) => expandWord(word, env));
}

function expandWord(word: string, env: Readonly<Record<string, string>>): string {
  return word.replace(/\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/g, (whole, bare?: string, braced?: string) => {
    const name = bare ?? braced ?? "";
    return Object.hasOwn(env, name) ? (env[name] ?? whole) : whole;
  });
}
