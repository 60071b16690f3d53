/** Text that somebody wrote, read with the care that this needs. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  parseDocument,
  type YAMLMap,
} from "yaml";
import { type Problem, TroupeError } from "../errors.ts";
import { MAX_VALUES, type PlainData, plainData } from "./plain-data.ts";
import { pathOf } from "./problems.ts";

/** Of UTF-8. Chosen: far more than any config, little enough to be read in a moment. */
const MAX_BYTES = 1_048_576;

/** Deeper than any config; the YAML composer is recursive, and takes very long where it runs out of stack. */
const MAX_DEPTH = 64;

/** Expanded by aliases, in multiples of what is written. */
const MAX_ALIASES = 100;

/** Problems of syntax that are told; those after the first are often its consequences. */
const MAX_SYNTAX_PROBLEMS = 10;

/**
 * Reads YAML 1.2, and JSON with it. Problems of syntax name line and column.
 *
 * @throws {TroupeError} `PAYLOAD_TOO_LARGE` for more than 1 MiB.
 */
export function readYaml(text: string, what: string): PlainData {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new TroupeError("PAYLOAD_TOO_LARGE", `Cannot read ${what}: it has more than ${MAX_BYTES} bytes`);
  }
  const lines = new LineCounter();
  const excess = excessOf(text);
  if (excess !== undefined) return failed(excess);

  // The parser's own check for duplicate keys takes time that grows with the square of their number.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: "error",
  });
  const syntax = [...document.errors, ...document.warnings].map(
    ({ pos, message }) => `${place(lines, pos[0])}: ${message}`,
  );
  if (syntax.length > 0) return failed(...syntax.slice(0, MAX_SYNTAX_PROBLEMS));

  const problems = [...mistakes(document, lines)];
  if (problems.length > 0) return { data: null, problems };
  try {
    return plainData(toData(document));
  } catch (error) {
    return failed(error instanceof ReferenceError ? error.message : "cannot be read");
  }
}

function failed(...messages: string[]): PlainData {
  return { data: null, problems: messages.map((message) => ({ path: "", message })) };
}

function toData(document: Document): unknown {
  return document.toJS({ maxAliasCount: MAX_ALIASES });
}

function place(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `line ${line}, column ${col}`;
}

interface Token {
  readonly value?: unknown;
  readonly items?: readonly { readonly key?: unknown; readonly value?: unknown }[];
}

/** What is too much in a text, found before anything recursive looks at it. */
function excessOf(text: string): string | undefined {
  let level = [...new Parser().parse(text)] as Token[];
  let tokens = 0;
  for (let depth = 0; level.length > 0; depth++) {
    tokens += level.length;
    // One document is two levels above its content.
    if (depth > MAX_DEPTH + 1) return `is nested deeper than ${MAX_DEPTH} levels`;
    if (tokens > 2 * MAX_VALUES) return `has more than ${MAX_VALUES} values`;
    level = level
      .flatMap(({ value, items = [] }) => [value, ...items.flatMap((item) => [item.key, item.value])])
      .filter(isToken);
  }
  return undefined;
}

function isToken(value: unknown): value is Token {
  return typeof value === "object" && value !== null;
}

/** What the parser leaves to us: keys that are there twice, aliases of nothing. */
function* mistakes(document: Document, lines: LineCounter): Generator<Problem> {
  const anchors = new Set<string>();

  function* look(node: unknown, path: readonly PropertyKey[]): Generator<Problem> {
    if (!isNode(node)) return;
    const at = place(lines, node.range?.[0] ?? 0);
    if (isAlias(node)) {
      if (!anchors.has(node.source))
        yield { path: pathOf("", path), message: `${at}: there is no anchor "${node.source}"` };
      return;
    }
    if (node.anchor !== undefined) anchors.add(node.anchor);
    if (isSeq(node)) for (const [index, item] of node.items.entries()) yield* look(item, [...path, index]);
    if (isMap(node)) yield* lookInMap(node, path);
  }

  function* lookInMap(map: YAMLMap, path: readonly PropertyKey[]): Generator<Problem> {
    const names = new Set<string>();
    for (const { key, value } of map.items) {
      const name = String(isScalar(key) ? key.value : key);
      if (names.has(name)) {
        const at = place(lines, (isNode(key) ? key.range?.[0] : undefined) ?? 0);
        yield { path: pathOf("", [...path, name]), message: `${at}: is there twice` };
      }
      names.add(name);
      yield* look(key, [...path, name]);
      yield* look(value, [...path, name]);
    }
  }

  yield* look(document.contents, []);
}
