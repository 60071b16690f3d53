/** What may be called how. Every name ends up in paths, labels or environment variables somewhere. */
import { z } from "zod";
import { judge } from "./problems.ts";

export interface NameRule {
  readonly pattern: RegExp;
  /** As the end of a sentence that begins with the name's path. */
  readonly message: string;
}

const dotted: NameRule = {
  pattern: /^(?!.*\.\.)[a-zA-Z0-9](?:[-_.a-zA-Z0-9]{0,98}[a-zA-Z0-9])?$/,
  message: "must be 1 to 100 letters, digits, - _ or . (no ..), and begin and end with a letter or digit",
};

/** As Che's, which wants three characters or more. */
export const workspaceName = dotted;
export const environmentName = dotted;
export const installerId = dotted;

/** Che's rule. */
export const machineName: NameRule = {
  pattern: /^[a-zA-Z0-9](?:[a-zA-Z0-9_/-]{0,98}[a-zA-Z0-9])?$/,
  message: "must be 1 to 100 letters, digits, - _ or /, and begin and end with a letter or digit",
};

/** Free text on one line; a `/` is usual (`web/http`). */
export const serverName: NameRule = {
  pattern: /^(?!.*\.\.)[^\s\p{C}](?:[^\p{C}]{0,98}[^\s\p{C}])?$/u,
  message: "must be 1 to 100 characters on one line, without .. and without blanks around it",
};

/** Che's rule. */
export const volumeName: NameRule = {
  pattern: /^[a-z][a-z0-9]{1,18}$/,
  message: "must be 2 to 19 lower-case letters and digits, and begin with a letter",
};

export const variableName: NameRule = {
  pattern: /^[^=\p{Cc}]{1,1000}$/u,
  message: "must be the name of an environment variable: one line, without =",
};

/** Che's rule; the prefix was its vendor's. */
export const attributeName: NameRule = {
  pattern: /^(?![cC][oO][dD][eE][nN][vV][yY])(?=.*\S)[^\p{Cc}]{1,1000}$/u,
  message: 'must not be blank, and must not begin with "codenvy"',
};

/** Text that is a name. */
export function name(rule: NameRule) {
  return z.string().regex(rule.pattern, { error: rule.message });
}

/** A map by name. A wrong name does not hide what is wrong with its value. */
export function named<Value extends z.ZodType>(rule: NameRule, value: Value) {
  return z
    .record(z.string(), value)
    .check(
      judge<Record<string, unknown>>((entries) =>
        Object.keys(entries)
          .filter((key) => !rule.pattern.test(key))
          .map((key) => ({ path: [key], message: rule.message })),
      ),
    )
    .meta(inJsonSchema(rule));
}

/** Many validators know nothing of Unicode classes and would refuse the wrong names: such a rule is left to us. */
function inJsonSchema({ pattern }: NameRule): { propertyNames?: { pattern: string } } {
  return pattern.unicode ? {} : { propertyNames: { pattern: pattern.source } };
}
