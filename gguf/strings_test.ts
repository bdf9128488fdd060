import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeExactly, decodeStrings } from "./strings.ts";

/** Strings in the file's format, from the bytes of each. */
function packed(strings: Uint8Array[]): Uint8Array {
  const parts = strings.flatMap((bytes) => [
    ...new Uint8Array(BigUint64Array.of(BigInt(bytes.length)).buffer),
    ...bytes,
  ]);
  return Uint8Array.from(parts);
}

const oracle = new TextDecoder("utf-8", { ignoreBOM: true });

Deno.test("decodeStrings() agrees with TextDecoder on any bytes", () => {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    // Parts of characters, which side by side could make whole ones.
    fc.constantFrom([0xe2], [0x82, 0xac], [0xf0, 0x9f], [0x99, 0x82], [], [0], [0xef, 0xbb, 0xbf])
      .map((bytes) => Uint8Array.from(bytes)),
    fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(fc.property(fc.array(pieces, { maxLength: 8 }), (strings) => {
    const bytes = packed(strings);
    const decoded: string[] = [];
    assert.equal(decodeStrings(bytes, strings.length, decoded), bytes.length);
    assert.deepEqual(decoded, strings.map((string) => oracle.decode(string)));
  }));
});

Deno.test("decodeStrings() stops before a string that is not whole", () => {
  const bytes = packed([Uint8Array.of(65), Uint8Array.of(66, 67)]);
  for (const missing of [1, 2, 3, 10]) {
    const decoded: string[] = [];
    assert.equal(decodeStrings(bytes.subarray(0, bytes.length - missing), 2, decoded), 9);
    assert.deepEqual(decoded, ["A"]);
  }
});

Deno.test("decodeStrings() takes no more strings than asked for", () => {
  const decoded: string[] = [];
  assert.equal(decodeStrings(packed([Uint8Array.of(65), Uint8Array.of(66)]), 1, decoded), 9);
  assert.deepEqual(decoded, ["A"]);
});

Deno.test("decodeExactly() keeps a byte order mark and refuses what is no UTF-8", () => {
  assert.equal(decodeExactly(Uint8Array.of(0xef, 0xbb, 0xbf)), "\uFEFF");
  assert.equal(decodeExactly(Uint8Array.of(0xff)), undefined);
});
