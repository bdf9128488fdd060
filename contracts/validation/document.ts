/**
 * YAML files as values that know where each of their parts stands.
 *
 * @module
 */
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from "yaml";
import { BEGINNING, type Position } from "./finding.ts";

/**
 * The largest contract that is read, in bytes. The longest one here has 45 KB; the parser needs
 * seconds for a file of this size that is nothing but mistakes.
 */
export const MAX_CONTRACT_BYTES = 256 * 1024;

/**
 * How many values aliases (`*name`) may stand for, those within others counted each time. Contracts
 * hardly use aliases; a few lines of them can stand for billions of values.
 */
const MAX_ALIASES = 100;

/** A mapping of a YAML file. Its keys may be anything: look with `Object.hasOwn`. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Keys and indexes that lead from the top of a file to one of its parts. */
export type Place = readonly (string | number)[];

/** A file that is one YAML mapping. */
export interface YamlDocument {
  /** where the file is, as the user named it */
  readonly path: string;
  readonly value: Mapping;
  /** keys that stand in a mapping that has them already, in the order of the file */
  readonly repeatedKeys: readonly (Position & { readonly key: string })[];
  /**
   * Where a part stands. Of what is missing, or has nothing in it: the key, the list's entry or the
   * file that it should stand in.
   *
   * @param aim the part itself, or the key before it
   */
  position(place: Place, aim?: "key" | "value"): Position;
}

/** Why a file can't be read as a YAML mapping. */
export interface Unreadable extends Position {
  readonly path: string;
  readonly message: string;
}

/** Reads a file. Hostile ones are unreadable too; nothing is thrown. */
export function readDocument(path: string, bytes: Uint8Array): YamlDocument | Unreadable {
  const unreadable = (message: string, position = BEGINNING) => ({ path, message, ...position });
  if (bytes.length > MAX_CONTRACT_BYTES) {
    return unreadable(`the file is larger than ${MAX_CONTRACT_BYTES} bytes`);
  }
  let text: string;
  try {
    // A byte order mark goes: it is no part of the first line.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return unreadable("the file is not UTF-8 text");
  }
  try {
    return parse(path, text);
  } catch (error) {
    // The parser and what walks its tree recurse: only hostile files are that deep.
    if (error instanceof RangeError) return unreadable("the YAML is nested too deeply");
    throw error;
  }
}

/** Whether a file could be read. */
export function isReadable(file: YamlDocument | Unreadable): file is YamlDocument {
  return "value" in file;
}

function parse(path: string, text: string): YamlDocument | Unreadable {
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const document: Document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Found below, all of them, and with a rule of their own.
    uniqueKeys: false,
    // Whatever the file's head says, values are those of YAML 1.2, and nothing is merged.
    schema: "core",
    merge: false,
    resolveKnownTags: false,
    // Nothing goes to the console.
    logLevel: "error",
  });
  // What the parser says after its first error mostly follows from it.
  const [error] = document.errors;
  if (error !== undefined) {
    if (/call stack/i.test(error.message)) throw new RangeError(error.message);
    return { path, message: `not YAML: ${error.message}`, ...at(error.pos[0]) };
  }
  const { contents } = document;
  if (!isMap(contents)) {
    const start = at(contents?.range?.[0] ?? 0);
    return { path, message: `expected a mapping at the top, found ${kindOf(contents)}`, ...start };
  }
  const { repeated, firstAlias } = survey(document);
  let value: Mapping;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES }) as Mapping;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return { path, message: `not YAML: ${error.message}`, ...at(firstAlias) };
  }
  const find = finder(contents);
  return {
    path,
    value,
    repeatedKeys: repeated.map(({ key, offset }) => ({ key, ...at(offset) })),
    position: (place, aim = "key") => {
      const offset = find(place, aim);
      return offset === undefined ? BEGINNING : at(offset);
    },
  };
}

/** The keys that repeat an earlier one of their mapping, and the offset of the first alias. */
function survey(document: Document): {
  repeated: { key: string; offset: number }[];
  firstAlias: number;
} {
  const repeated: { key: string; offset: number }[] = [];
  let firstAlias: number | undefined;
  visit(document, {
    Alias(_, alias) {
      firstAlias ??= alias.range?.[0];
    },
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const name = nameOf(key);
        if (name === undefined) continue;
        if (seen.has(name)) repeated.push({ key: name, offset: startOf(key) ?? 0 });
        seen.add(name);
      }
    },
  });
  repeated.sort((a, b) => a.offset - b.offset);
  return { repeated, firstAlias: firstAlias ?? 0 };
}

/** A function that finds the offset of a part; undefined for the file as a whole. */
function finder(top: YAMLMap): (place: Place, aim: "key" | "value") => number | undefined {
  const indexes = new WeakMap<YAMLMap, Map<string, Pair>>();
  const pairOf = (map: YAMLMap, name: string | number): Pair | undefined => {
    let index = indexes.get(map);
    if (index === undefined) {
      // Of a repeated key the last counts, as in the value.
      index = new Map(map.items.map((pair) => [nameOf(pair.key) ?? "", pair]));
      indexes.set(map, index);
    }
    return index.get(String(name));
  };
  return (place, aim) => {
    let node: unknown = top;
    let [keyStart, valueStart]: (number | undefined)[] = [];
    for (const step of place) {
      // What an alias stands for is pointed at where the alias stands.
      if (isMap(node)) {
        const pair = pairOf(node, step);
        if (pair === undefined) return keyStart;
        [keyStart, valueStart] = [startOf(pair.key), startOf(pair.value)];
        node = pair.value;
      } else if (isSeq(node)) {
        const item: unknown = node.items[Number(step)];
        if (item === undefined) return keyStart;
        valueStart = startOf(item);
        keyStart = isMap(item) ? startOf(item.items[0]?.key) ?? valueStart : valueStart;
        node = item;
      } else {
        return keyStart;
      }
    }
    return aim === "key" || isNothing(node) ? keyStart : valueStart ?? keyStart;
  };
}

function startOf(node: unknown): number | undefined {
  return isScalar(node) || isCollection(node) || isAlias(node)
    ? (node as Node).range?.[0]
    : undefined;
}

/** A key as the value has it; undefined for a key that is no plain word. */
function nameOf(key: unknown): string | undefined {
  return isScalar(key) ? String(key.value) : undefined;
}

function isNothing(node: unknown): boolean {
  return !isCollection(node) && !isAlias(node) && (!isScalar(node) || node.value === null);
}

function kindOf(contents: unknown): string {
  if (isSeq(contents)) return "a list";
  return isNothing(contents) ? "nothing" : "a single value";
}
