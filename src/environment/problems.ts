/** From what zod found to what we tell. */
import { z } from "zod";
import type { Problem } from "../errors.ts";
import { suggestion } from "./closest.ts";

/** Takes down one problem. */
export type Report = (path: string, message: string) => void;

/** A path as users write it: `environment.machines.web`. */
export function pathOf(root: string, keys: readonly PropertyKey[]): string {
  return [root, ...keys.map(String)].filter((part) => part !== "").join(".");
}

/** What is wrong, and where. */
export interface Finding {
  readonly keys: readonly PropertyKey[];
  readonly message: string;
}

export type Checked<T> =
  | { readonly value: T; readonly problems: readonly [] }
  /** `findings` are the same as `problems`, by keys below the root. */
  | { readonly problems: readonly Problem[]; readonly findings: readonly Finding[] };

/**
 * Checks data against a schema.
 *
 * `root` is where the data stand in what the user wrote; `reword` may say a finding in other words.
 */
export function check<Schema extends z.ZodType>(
  schema: Schema,
  data: unknown,
  root: string,
  reword: (finding: Finding) => string | undefined = () => undefined,
): Checked<z.output<Schema>> {
  const result = schema.safeParse(data, { error: sentence });
  if (result.success) return { value: result.data, problems: [] };
  const findings = result.error.issues.flatMap((issue) => findingsOf(issue, []));
  const problems = findings.map((finding) => ({
    path: pathOf(root, finding.keys),
    message: reword(finding) ?? finding.message,
  }));
  return { problems, findings };
}

/** A map of which every key is known. An unknown key is a problem of its own, with the key that was probably meant. */
export function strict<Shape extends z.core.$ZodShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    // One line for each key: `findingsOf` gives each its own path.
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => `is not known here${suggestion(key, known)}`).join("\n")
        : undefined,
  });
}

/** A check that also runs where parts of the value are wrong already, so that all problems are told at once. */
export function judge<T>(
  judgeValue: (value: T) => Iterable<{ readonly path: readonly PropertyKey[]; readonly message: string }>,
): z.core.$ZodCheck<T> {
  const judging: z.core.$ZodCheck<T> = new z.core.$ZodCheck({
    check: "custom",
    when: ({ value }) => value instanceof Object,
  });
  judging._zod.check = ({ value, issues }) => {
    for (const { path, message } of judgeValue(value)) {
      issues.push({ code: "custom", input: value, path: [...path], message, continue: true });
    }
  };
  return judging;
}

function findingsOf(issue: z.core.$ZodIssue, parent: readonly PropertyKey[]): Finding[] {
  const keys = [...parent, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const messages = issue.message.split("\n");
    return issue.keys.map((key, index) => ({ keys: [...keys, key], message: messages[index] ?? issue.message }));
  }
  if (issue.code === "invalid_union") {
    // The alternative of the right type is what the user meant; the others' complaints would only confuse.
    const meant = issue.errors.find(
      (inner) => !inner.some((one) => one.code === "invalid_type" && one.path.length === 0),
    );
    if (meant !== undefined) return meant.flatMap((inner) => findingsOf(inner, keys));
  }
  return [{ keys, message: issue.message }];
}

/** What is wrong, as the end of a sentence that begins with the path. Schemas may say it better themselves. */
function sentence(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? "is required"
        : `must be ${nouns[issue.expected] ?? issue.expected}, not ${kindOf(issue.input)}`;
    case "invalid_value":
      if (issue.input === undefined) return "is required";
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "invalid_union":
      return issue.input === undefined ? "is required" : `must not be ${kindOf(issue.input)}`;
    case "too_small":
      return issue.origin === "number"
        ? `must be at least ${issue.minimum}`
        : `must have at least ${issue.minimum} ${unitOf(issue)}`;
    case "too_big":
      return issue.origin === "number"
        ? `must be at most ${issue.maximum}`
        : `must have at most ${issue.maximum} ${unitOf(issue)}`;
    default:
      return undefined;
  }
}

const nouns: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

function kindOf(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  return typeof value === "number" ? String(value) : (nouns[typeof value] ?? typeof value);
}

function unitOf({ origin }: { readonly origin: string }): string {
  return origin === "string" ? "characters" : "entries";
}
