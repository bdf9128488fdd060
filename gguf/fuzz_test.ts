import assert from "node:assert/strict";
import fc from "fast-check";
import { GgufError } from "./errors.ts";
import { openGguf } from "./gguf.ts";
import { countingBytes, fileOf, SAMPLE } from "./helpers_test.ts";
import type { MetadataEntry, TypedArrayValue, TypedValue } from "./metadata.ts";
import { TENSOR_TYPES, type TensorType } from "./types.ts";
import type { TensorDeclaration } from "./writer.ts";

/** A file is either opened, and then all of its tensors can be read, or it is a GgufError. */
async function opensOrExplains(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const begin = performance.now();
  try {
    await using file = await openGguf(new Blob([bytes]));
    for (const tensor of file.tensors.values()) {
      assert.equal((await file.readTensor(tensor)).length, tensor.bytes);
    }
  } catch (error) {
    assert(error instanceof GgufError, `${error}`);
  }
  assert(performance.now() - begin < 2000, "took more than two seconds");
}

const { bytes: sample } = await fileOf(SAMPLE);

Deno.test("openGguf() survives random bytes after the magic number and version", async () => {
  const begin = new Uint8Array([...new TextEncoder().encode("GGUF"), 3, 0, 0, 0]);
  // Small numbers are what counts and types look like, so more of the reader is reached.
  const byte = fc.oneof({ weight: 4, arbitrary: fc.nat(12) }, {
    weight: 1,
    arbitrary: fc.nat(255),
  });
  const random = fc.array(byte, { maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(random, (tail) => opensOrExplains(Uint8Array.from([...begin, ...tail]))),
    { numRuns: 500 },
  );
});

Deno.test("openGguf() survives flipped bits, huge numbers, cuts and splices anywhere", async () => {
  const place = fc.nat(sample.length - 9);
  const change = fc.oneof(
    fc.tuple(place, fc.nat(7)).map(([at, bit]) => (bytes: Uint8Array) => {
      bytes[at]! ^= 1 << bit;
      return bytes;
    }),
    fc.tuple(place, fc.bigInt(0n, 2n ** 64n - 1n)).map(([at, value]) => (bytes: Uint8Array) => {
      new DataView(bytes.buffer).setBigUint64(at, value, true);
      return bytes;
    }),
    place.map((at) => (bytes: Uint8Array) => bytes.slice(0, at)),
    fc.tuple(place, place, fc.nat(40)).map(([to, from, length]) => (bytes: Uint8Array) => {
      return bytes.copyWithin(to, from, from + length);
    }),
    fc.tuple(place, fc.uint8Array({ maxLength: 20 })).map(([at, extra]) => (bytes: Uint8Array) =>
      Uint8Array.from([...bytes.slice(0, at), ...extra, ...bytes.slice(at)])
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      let bytes = sample.slice();
      for (const apply of changes) {
        if (bytes.length === sample.length) bytes = Uint8Array.from(apply(bytes));
      }
      await opensOrExplains(bytes);
    }),
    { numRuns: 1500 },
  );
});

Deno.test("openGguf() survives each 8 bytes of a header being any power of two", async () => {
  const header = sample.length - 1200;
  for (let at = 4; at < header; at += 3) {
    for (const shift of [0n, 16n, 20n, 31n, 32n, 40n, 53n, 63n]) {
      const bytes = sample.slice();
      new DataView(bytes.buffer).setBigUint64(at, 1n << shift, true);
      await opensOrExplains(bytes);
    }
  }
});

const integer = (bits: number, signed: boolean) =>
  signed
    ? fc.bigInt(-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n)
    : fc.bigInt(0n, 2n ** BigInt(bits) - 1n);
/** As the reader gives it: a number where it can be one. */
const asRead = (value: bigint) => Number.isSafeInteger(Number(value)) ? Number(value) : value;
const text = fc.string({ unit: "binary", maxLength: 20 });

const typedArray: fc.Arbitrary<TypedArrayValue> = fc.oneof(
  fc.uint8Array().map((value) => ({ type: "array", of: "u8", value }) as const),
  fc.int16Array().map((value) => ({ type: "array", of: "i16", value }) as const),
  fc.int32Array().map((value) => ({ type: "array", of: "i32", value }) as const),
  fc.float32Array().map((value) => ({ type: "array", of: "f32", value }) as const),
  fc.float64Array().map((value) => ({ type: "array", of: "f64", value }) as const),
  fc.bigUint64Array().map((value) => ({ type: "array", of: "u64", value }) as const),
  fc.array(fc.boolean()).map((value) => ({ type: "array", of: "bool", value }) as const),
  fc.array(text).map((value) => ({ type: "array", of: "string", value }) as const),
);
const typedValue: fc.Arbitrary<TypedValue> = fc.oneof(
  ...([8, 16, 32, 64] as const).flatMap((bits) => [
    integer(bits, false).map((value) => ({ type: `u${bits}`, value: asRead(value) }) as const),
    integer(bits, true).map((value) => ({ type: `i${bits}`, value: asRead(value) }) as const),
  ]),
  fc.float().map((value) => ({ type: "f32", value }) as const),
  fc.double().map((value) => ({ type: "f64", value }) as const),
  fc.boolean().map((value) => ({ type: "bool", value }) as const),
  text.map((value) => ({ type: "string", value }) as const),
  typedArray,
  fc.array(typedArray, { maxLength: 4 })
    .map((value) => ({ type: "array", of: "array", value }) as const),
);
const key = fc.string({ minLength: 1, maxLength: 30 })
  .filter((key) => !["general.alignment", "split.count"].includes(key));
const entries: fc.Arbitrary<MetadataEntry[]> = fc.uniqueArray(
  fc.tuple(key, typedValue).map(([key, value]) => ({ key, ...value })),
  { selector: (entry) => entry.key, maxLength: 12 },
);

const tensors: fc.Arbitrary<TensorDeclaration[]> = fc.uniqueArray(
  fc.record({
    name: fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 63 }),
    type: fc.constantFrom(...Object.keys(TENSOR_TYPES) as TensorType[]),
    shape: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }),
  }),
  { selector: (tensor) => tensor.name, maxLength: 6 },
).map((tensors) =>
  tensors.map(({ name, type, shape }) => {
    const { blockSize } = TENSOR_TYPES[type];
    const [first = 1, ...rest] = shape;
    // A scalar is one element, which only the unquantized types can store.
    return { name, type, shape: shape.length || blockSize > 1 ? [first * blockSize, ...rest] : [] };
  })
);

Deno.test("any metadata and tensors read back as they were written", async () => {
  const version = fc.constantFrom(2, 3);
  const alignment = fc.nat(12).map((log) => 2 ** log);
  await fc.assert(
    fc.asyncProperty(entries, tensors, version, alignment, async (
      metadata,
      tensors,
      version,
      alignment,
    ) => {
      const { bytes, layout } = await fileOf({ metadata, tensors, version, alignment });
      await using file = await openGguf(new Blob([bytes]));
      assert.deepEqual([file.version, file.alignment], [version, alignment]);
      assert.deepEqual(file.entries.slice(0, metadata.length), metadata);
      assert.deepEqual([...file.tensors.values()], layout.tensors);
      for (const tensor of file.tensors.values()) {
        assert.deepEqual(await file.readTensor(tensor), countingBytes(tensor.bytes));
      }
    }),
    { numRuns: 150 },
  );
});
