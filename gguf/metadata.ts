import { GgufError, quoted } from "./errors.ts";

/** The numeric value types of GGUF metadata. */
export type NumberType =
  | "u8"
  | "i8"
  | "u16"
  | "i16"
  | "u32"
  | "i32"
  | "f32"
  | "u64"
  | "i64"
  | "f64";

/** Every value type of GGUF metadata. */
export type ValueType = NumberType | "bool" | "string" | "array";

/** `enum gguf_type` of `ggml/include/gguf.h`: a value type's number in a file is its place here. */
export const VALUE_TYPES: readonly ValueType[] = [
  "u8",
  "i8",
  "u16",
  "i16",
  "u32",
  "i32",
  "f32",
  "bool",
  "string",
  "array",
  "u64",
  "i64",
  "f64",
];

/** A numeric array as it is read, in the type that the file declares. */
export type NumericArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | BigUint64Array
  | BigInt64Array
  | Float64Array;

/** Makes a numeric array of one type over a buffer. */
export interface NumericArrayConstructor {
  new (buffer: ArrayBuffer): NumericArray;
  readonly BYTES_PER_ELEMENT: number;
}

/** The array type of each numeric value type. All machines that run JavaScript today store their
 * numbers little-endian, as GGUF does, so these also give the byte layout. */
export const NUMERIC_ARRAYS: Readonly<Record<NumberType, NumericArrayConstructor>> = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  u64: BigUint64Array,
  i64: BigInt64Array,
  f64: Float64Array,
};

/** An array of metadata values. */
export type MetadataArray =
  | NumericArray
  | readonly string[]
  | readonly boolean[]
  | readonly MetadataArray[];

/** A metadata value. 64-bit integers are numbers where a number holds them, else bigints. */
export type MetadataValue = number | bigint | boolean | string | MetadataArray;

/** Metadata by key. */
export type Metadata = ReadonlyMap<string, MetadataValue>;

/** An array with the type that it has, or is to have, in a file. */
export type TypedArrayValue =
  | {
    readonly type: "array";
    readonly of: NumberType;
    readonly value: ArrayLike<number> | ArrayLike<bigint>;
  }
  | { readonly type: "array"; readonly of: "bool"; readonly value: readonly boolean[] }
  | { readonly type: "array"; readonly of: "string"; readonly value: readonly string[] }
  | { readonly type: "array"; readonly of: "array"; readonly value: readonly TypedArrayValue[] };

/** A value with the type that it has, or is to have, in a file. */
export type TypedValue =
  | { readonly type: NumberType; readonly value: number | bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | TypedArrayValue;

/** One line of a file's metadata, as it is read and as it is written. */
export type MetadataEntry = { readonly key: string } & TypedValue;

/** Which file a Metadata map came from, so that the getters' errors can name it. */
const fileNames = new WeakMap<Metadata, string>();

/** Entries as a map from key to plain value. `file` is named in the getters' errors. */
export function metadataFrom(entries: readonly MetadataEntry[], file: string): Metadata {
  const metadata = new Map(entries.map((entry) => [entry.key, plain(entry)]));
  fileNames.set(metadata, file);
  return metadata;
}

function plain(typed: TypedValue): MetadataValue {
  if (typed.type !== "array") return typed.value;
  if (typed.of === "array") return typed.value.map((inner) => plain(inner) as MetadataArray);
  // The reader makes numeric arrays as typed arrays only.
  return typed.value as MetadataArray;
}

/**
 * The number at `key`; undefined if the key is absent.
 *
 * @throws {GgufError} If the value is no number, or an integer that a number can not hold.
 */
export function metadataNumber(metadata: Metadata, key: string): number | undefined {
  const value = metadata.get(key);
  if (value === undefined || typeof value === "number") return value;
  throw mistyped(metadata, key, "a number");
}

/**
 * The string at `key`; undefined if the key is absent.
 *
 * @throws {GgufError} If the value is no string.
 */
export function metadataString(metadata: Metadata, key: string): string | undefined {
  const value = metadata.get(key);
  if (value === undefined || typeof value === "string") return value;
  throw mistyped(metadata, key, "a string");
}

/**
 * The boolean at `key`; undefined if the key is absent.
 *
 * @throws {GgufError} If the value is no boolean.
 */
export function metadataBoolean(metadata: Metadata, key: string): boolean | undefined {
  const value = metadata.get(key);
  if (value === undefined || typeof value === "boolean") return value;
  throw mistyped(metadata, key, "a boolean");
}

/**
 * The strings at `key`; undefined if the key is absent.
 *
 * @throws {GgufError} If the value is no array of strings.
 */
export function metadataStrings(metadata: Metadata, key: string): readonly string[] | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  // An array holds values of one type, so its first speaks for all.
  if (Array.isArray(value) && (value.length === 0 || typeof value[0] === "string")) {
    return value as readonly string[];
  }
  throw mistyped(metadata, key, "an array of strings");
}

/**
 * The numbers at `key`, 64-bit integers converted; undefined if the key is absent.
 *
 * @throws {GgufError} If the value is no array of numbers, or one is an integer that a number can
 * not hold.
 */
export function metadataNumbers(
  metadata: Metadata,
  key: string,
): Exclude<NumericArray, BigInt64Array | BigUint64Array> | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) {
    const numbers = Float64Array.from(value, Number);
    if (numbers.every(Number.isSafeInteger)) return numbers;
  } else if (ArrayBuffer.isView(value)) return value;
  throw mistyped(metadata, key, "an array of numbers");
}

function mistyped(metadata: Metadata, key: string, expected: string): GgufError {
  const value = metadata.get(key);
  const found = ArrayBuffer.isView(value)
    ? "an array of numbers"
    : Array.isArray(value)
    ? `an array of ${typeof value[0]}s`
    : typeof value === "bigint"
    ? `the integer ${value}`
    : `the ${typeof value} ${quoted(String(value))}`;
  return new GgufError({
    file: fileNames.get(metadata) ?? "metadata",
    found: `${found} at metadata key ${quoted(key)}`,
    expected,
  });
}
