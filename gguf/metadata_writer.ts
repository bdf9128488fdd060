import type { ByteBuilder } from "./byte_builder.ts";
import { MAX_ARRAY_DEPTH, MAX_KEY_BYTES } from "./limits.ts";
import {
  type MetadataEntry,
  type NumberType,
  NUMERIC_ARRAYS,
  type NumericArray,
  type TypedArrayValue,
  type TypedValue,
  VALUE_TYPES,
  type ValueType,
} from "./metadata.ts";

/**
 * Appends metadata entries in the file's format.
 *
 * @throws {RangeError} If a key is empty, too long or given twice, or an integer does not fit its
 * type.
 */
export function writeMetadata(out: ByteBuilder, entries: readonly MetadataEntry[]): void {
  const keys = new Set<string>();
  for (const entry of entries) {
    const { key } = entry;
    const fits = new TextEncoder().encode(key).length <= MAX_KEY_BYTES;
    if (key === "" || !fits || /\p{Cc}/u.test(key)) {
      throw new RangeError(`${JSON.stringify(key.slice(0, 80))} can not be a metadata key`);
    }
    if (keys.has(key)) throw new RangeError(`metadata key ${key} is given twice`);
    keys.add(key);
    out.string(key);
    writeType(out, entry.type);
    writeValue(out, entry, key);
  }
}

function writeValue(out: ByteBuilder, typed: TypedValue, key: string): void {
  switch (typed.type) {
    case "array":
      return writeArray(out, typed, key, 1);
    case "string":
      return out.string(typed.value);
    case "bool":
      return writeBooleans(out, [typed.value]);
    default:
      return out.bytes(numberBytes(typed.type, [typed.value], key));
  }
}

function writeArray(out: ByteBuilder, array: TypedArrayValue, key: string, depth: number): void {
  if (depth > MAX_ARRAY_DEPTH) {
    throw new RangeError(`${key} has more than ${MAX_ARRAY_DEPTH} levels of arrays`);
  }
  writeType(out, array.of);
  out.u64(array.value.length);
  switch (array.of) {
    case "array":
      return array.value.forEach((inner) => writeArray(out, inner, key, depth + 1));
    case "string":
      return array.value.forEach((text) => out.string(text));
    case "bool":
      return writeBooleans(out, array.value);
    default:
      return out.bytes(numberBytes(array.of, array.value, key));
  }
}

function writeType(out: ByteBuilder, type: ValueType): void {
  out.u32(VALUE_TYPES.indexOf(type));
}

function writeBooleans(out: ByteBuilder, values: readonly boolean[]): void {
  out.bytes(Uint8Array.from(values, Number));
}

/** Numbers in the byte layout of their type. Floats are rounded to it, integers must fit. */
function numberBytes(
  type: NumberType,
  values: ArrayLike<number | bigint>,
  key: string,
): Uint8Array {
  const Numbers = NUMERIC_ARRAYS[type];
  const bytes = new Uint8Array(values.length * Numbers.BYTES_PER_ELEMENT);
  const numbers: NumericArray = new Numbers(bytes.buffer);
  const integers = type !== "f32" && type !== "f64";
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!;
    if (numbers instanceof BigInt64Array || numbers instanceof BigUint64Array) {
      numbers[index] = BigInt(value);
    } else {
      numbers[index] = Number(value);
    }
    // Loosely, because a number and a bigint may have one value.
    if (integers && numbers[index] != value) {
      throw new RangeError(`${value} (${key}) is no ${type}`);
    }
  }
  return bytes;
}
