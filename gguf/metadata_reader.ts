import { type GgufError, quoted } from "./errors.ts";
import type { HeaderReader } from "./header_reader.ts";
import {
  MAX_ARRAY_DEPTH,
  MAX_ARRAY_ELEMENTS,
  MAX_KEY_BYTES,
  MAX_NESTED_ARRAYS,
  MAX_STRING_BYTES,
} from "./limits.ts";
import {
  type MetadataEntry,
  type NumberType,
  NUMERIC_ARRAYS,
  type TypedArrayValue,
  type TypedValue,
  VALUE_TYPES,
  type ValueType,
} from "./metadata.ts";
import { decodeExactly, decodeLeniently, decodeStrings } from "./strings.ts";

/** Fewest bytes of an entry: a key of one letter, its type, a value of one byte. */
export const MIN_ENTRY_BYTES: number = 8 + 1 + 4 + 1;

/** Reads `count` metadata entries. Throws a GgufError at the first that is not well formed. */
export async function readMetadata(reader: HeaderReader, count: number): Promise<MetadataEntry[]> {
  const entries: MetadataEntry[] = [];
  const seen = new Set<string>();
  const nested = { left: MAX_NESTED_ARRAYS };
  while (entries.length < count) {
    const key = await readKey(reader, entries.length);
    if (seen.has(key)) {
      throw reader.error(0, `metadata key ${quoted(key)} a second time`, "each key once");
    }
    seen.add(key);
    entries.push({ key, ...await readValue(reader, key, nested) });
  }
  return entries;
}

async function readKey(reader: HeaderReader, index: number): Promise<string> {
  const bytes = await reader.string(`metadata key ${index}`, MAX_KEY_BYTES);
  const key = decodeExactly(bytes);
  if (key === undefined || key === "" || /\p{Cc}/u.test(key)) {
    const found = quoted(decodeLeniently(bytes));
    throw reader.error(bytes.length, `metadata key ${found}`, "a name in UTF-8");
  }
  return key;
}

async function readValue(
  reader: HeaderReader,
  key: string,
  nested: { left: number },
): Promise<TypedValue> {
  const what = `the value of ${quoted(key)}`;
  await reader.ahead(4 + 8);
  const type = readType(reader, what);
  switch (type) {
    case "array":
      return await readArray(reader, what, nested, 1);
    case "string":
      return { type, value: decodeLeniently(await reader.string(what, MAX_STRING_BYTES)) };
    case "bool":
      return { type, value: readBooleans(reader, what, 1)[0]! };
    default:
      return { type, value: scalar(readNumbers(reader, what, type, 1)[0]!) };
  }
}

async function readArray(
  reader: HeaderReader,
  what: string,
  nested: { left: number },
  depth: number,
): Promise<TypedArrayValue> {
  const type = "array";
  await reader.ahead(4 + 8);
  const of = readType(reader, what);
  const count = reader.count(`the number of elements of ${what}`, MAX_ARRAY_ELEMENTS);
  reader.require(count * minBytes(of), what);
  switch (of) {
    case "array":
      return { type, of, value: await readNested(reader, what, nested, depth, count) };
    case "string":
      return { type, of, value: await readStrings(reader, what, count) };
    case "bool":
      await reader.ahead(count);
      return { type, of, value: readBooleans(reader, what, count) };
    default:
      await reader.ahead(count * minBytes(of));
      return { type, of, value: readNumbers(reader, what, of, count) };
  }
}

/** Fewest bytes of an element: a string has at least its length, an array its type and count. */
function minBytes(type: ValueType): number {
  if (type === "array") return 4 + 8;
  if (type === "string") return 8;
  return type === "bool" ? 1 : NUMERIC_ARRAYS[type].BYTES_PER_ELEMENT;
}

async function readNested(
  reader: HeaderReader,
  what: string,
  nested: { left: number },
  depth: number,
  count: number,
): Promise<TypedArrayValue[]> {
  if (depth >= MAX_ARRAY_DEPTH) {
    throw reader.error(0, `arrays nested in ${what}`, `at most ${MAX_ARRAY_DEPTH} levels`);
  }
  nested.left -= count;
  if (nested.left < 0) {
    throw reader.error(8, `${count} arrays in ${what}`, `at most ${MAX_NESTED_ARRAYS} in a file`);
  }
  const arrays: TypedArrayValue[] = [];
  while (arrays.length < count) arrays.push(await readArray(reader, what, nested, depth + 1));
  return arrays;
}

async function readStrings(reader: HeaderReader, what: string, count: number): Promise<string[]> {
  const strings: string[] = [];
  while (strings.length < count) {
    reader.skip(decodeStrings(reader.window, count - strings.length, strings));
    // The next one is not whole in memory: taking it alone brings more of the file.
    if (strings.length < count) {
      strings.push(decodeLeniently(await reader.string(what, MAX_STRING_BYTES)));
    }
  }
  return strings;
}

function readType(reader: HeaderReader, what: string): ValueType {
  const id = reader.u32(`the type of ${what}`);
  const type = VALUE_TYPES[id];
  if (type === undefined) throw unknownType(reader, what, id);
  return type;
}

function unknownType(reader: HeaderReader, what: string, id: number): GgufError {
  return reader.error(
    4,
    `${id} as the type of ${what}`,
    `a metadata type between 0 and ${VALUE_TYPES.length - 1}`,
  );
}

function readNumbers(reader: HeaderReader, what: string, type: NumberType, count: number) {
  const Numbers = NUMERIC_ARRAYS[type];
  // slice() copies, which also gives the numbers the alignment that their place in a file lacks.
  return new Numbers(reader.take(count * Numbers.BYTES_PER_ELEMENT, what).slice().buffer);
}

function scalar(value: number | bigint): number | bigint {
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function readBooleans(reader: HeaderReader, what: string, count: number): boolean[] {
  const bytes = reader.take(count, what);
  const invalid = bytes.findIndex((byte) => byte > 1);
  if (invalid >= 0) {
    throw reader.error(count - invalid, `${bytes[invalid]} in ${what}`, "0 or 1 for a boolean");
  }
  return Array.from(bytes, (byte) => byte === 1);
}
