import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { fileSink } from "./file_sink.ts";
import { openGguf } from "./gguf.ts";
import { countingBytes, fileOf, inDirectory, SAMPLE, vocabulary } from "./helpers_test.ts";
import { type GgufDeclaration, layoutGguf, writeGguf } from "./writer.ts";

Deno.test("layoutGguf() writes the bytes that the specification prescribes", () => {
  const { header, tensors, size } = layoutGguf({
    metadata: [{ key: "k", type: "u16", value: 0x0102 }],
    tensors: [{ name: "w", type: "F16", shape: [3] }],
  });
  // deno-fmt-ignore
  const expected = [
    0x47, 0x47, 0x55, 0x46, 3, 0, 0, 0,             // "GGUF", version
    1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, // one tensor, one entry
    1, 0, 0, 0, 0, 0, 0, 0, 0x6b,                   // "k"
    2, 0, 0, 0, 2, 1,                               // u16 0x0102
    1, 0, 0, 0, 0, 0, 0, 0, 0x77,                   // "w"
    1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,             // one dimension of 3
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,             // F16 at 0
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,             // padding from byte 72 to 96
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  ];
  assert.deepEqual([...header], expected);
  assert.deepEqual(tensors, [
    { name: "w", type: "F16", shape: [3], bytes: 6, offset: 96, source: 0 },
  ]);
  assert.equal(size, 128);
});

Deno.test("a written file reads back as it was declared, for each version and alignment", async () => {
  for (const version of [2, 3] as const) {
    for (const alignment of [1, 8, 32, 64, 4096, 65_536]) {
      const { bytes, layout } = await fileOf({ ...SAMPLE, version, alignment });
      await using file = await openGguf(new Blob([bytes]));
      assert.equal(file.version, version);
      assert.equal(file.alignment, alignment);
      assert.deepEqual(file.entries.slice(0, SAMPLE.metadata.length), SAMPLE.metadata);
      assert.deepEqual([...file.tensors.values()], layout.tensors);
      for (const tensor of file.tensors.values()) {
        assert.equal(tensor.offset % alignment, 0);
        assert.deepEqual(await file.readTensor(tensor), countingBytes(tensor.bytes));
      }
    }
  }
});

Deno.test("entries that were read write the same header again", async () => {
  const declaration = { ...SAMPLE, alignment: 64 };
  const { bytes, layout } = await fileOf(declaration);
  await using file = await openGguf(new Blob([bytes]));
  const again = layoutGguf({ metadata: file.entries, tensors: [...file.tensors.values()] });
  assert.deepEqual(again, layout);
});

for (const name of ["gpt-2.gguf", "llama-spm.gguf"]) {
  const { path, ignore, suffix } = vocabulary(name);
  Deno.test({
    name: `the entries of the vocabulary ${name} write llama.cpp's bytes again${suffix}`,
    ignore,
    async fn() {
      await using file = await openGguf(path);
      const { header } = layoutGguf({ metadata: file.entries, tensors: [] });
      const original = readFileSync(path);
      // Where no data follows, llama.cpp leaves the padding out.
      assert.equal(original.compare(header.subarray(0, original.length)), 0);
      assert(header.length - original.length < 32);
    },
  });
}

Deno.test("writeGguf() streams chunks of any size to a file", async () => {
  await inDirectory(async (path) => {
    const layout = layoutGguf(SAMPLE);
    await using sink = await fileSink(path("out.gguf"));
    const buffer = new Uint8Array(100);
    await writeGguf(sink, layout, async function* (tensor) {
      const data = countingBytes(tensor.bytes);
      for (let at = 0; at < data.length; at += 100) {
        buffer.set(data.subarray(at, at + 100));
        yield buffer.subarray(0, Math.min(100, data.length - at));
      }
    });
    assert.deepEqual(new Uint8Array(readFileSync(path("out.gguf"))), (await fileOf(SAMPLE)).bytes);
  });
});

Deno.test("a header extended to the layout's size is a model with zero weights", async () => {
  await inDirectory(async (path) => {
    const layout = layoutGguf(SAMPLE);
    await using sink = await fileSink(path("sparse.gguf"));
    await sink.write(layout.header);
    await sink.setSize(layout.size);
    assert.equal(statSync(path("sparse.gguf")).size, layout.size);
    await using file = await openGguf(path("sparse.gguf"));
    const norm = file.tensors.get("output_norm.weight")!;
    assert.deepEqual(await file.readTensor(norm), new Uint8Array(20));
  });
});

Deno.test("writeGguf() refuses data of another size than declared", async () => {
  const sink = { write: () => Promise.resolve() };
  const layout = layoutGguf(SAMPLE);
  const writeWith = (change: number) =>
    writeGguf(sink, layout, (tensor) => [new Uint8Array(tensor.bytes + change)]);
  await assert.rejects(writeWith(1), /the data of token_embd.weight has more than 432 bytes/);
  await assert.rejects(writeWith(-1), /the data of token_embd.weight has fewer than 432 bytes/);
});

Deno.test("layoutGguf() refuses what can not stand in a file", () => {
  const tensor = { name: "w", type: "F32", shape: [1] } as const;
  const entry = { key: "k", type: "u8", value: 1 } as const;
  const cases: [Partial<GgufDeclaration>, RegExp][] = [
    [{ alignment: 0 }, /power of two/],
    [{ alignment: 48 }, /power of two/],
    [{ alignment: 0.5 }, /power of two/],
    [{ alignment: 64, metadata: [{ ...entry, key: "general.alignment", value: 32 }] }, /is 64/],
    [{ metadata: [entry, entry] }, /k is given twice/],
    [{ metadata: [{ ...entry, key: "" }] }, /metadata key/],
    [{ metadata: [{ ...entry, value: 256 }] }, /256 \(k\) is no u8/],
    [{ metadata: [{ ...entry, value: 1.5 }] }, /1.5 \(k\) is no u8/],
    [{ metadata: [{ ...entry, type: "u64", value: -1 }] }, /-1 \(k\) is no u64/],
    [{ tensors: [tensor, tensor] }, /declared twice/],
    [{ tensors: [{ ...tensor, name: "w".repeat(64) }] }, /1 to 63 bytes/],
    [{ tensors: [{ ...tensor, shape: [1, 0] }] }, /shape \[1,0\]/],
    [{ tensors: [{ ...tensor, shape: [1, 1, 1, 1, 1] }] }, /shape/],
    [{ tensors: [{ ...tensor, type: "Q4_K" }] }, /multiple of 256/],
    [{ tensors: [{ ...tensor, shape: [2 ** 30, 2 ** 30] }] }, /beyond any file/],
  ];
  for (const [change, message] of cases) {
    assert.throws(() => layoutGguf({ metadata: [], tensors: [], ...change }), (error) => {
      return error instanceof RangeError && message.test(error.message);
    }, String(message));
  }
});
