import assert from "node:assert/strict";
import { GGMLQuantizationType, gguf as theirGguf } from "@huggingface/gguf";
import { writeFileSync } from "node:fs";
import { GgufError } from "./errors.ts";
import { fileSink } from "./file_sink.ts";
import { type GgufFile, openGguf } from "./gguf.ts";
import { countingBytes, fileOf, inDirectory, SAMPLE, vocabulary } from "./helpers_test.ts";
import type { MetadataValue } from "./metadata.ts";
import { layoutGguf } from "./writer.ts";

// A file put together by hand, as the specification says, for what the writer would not write.
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: number | bigint) => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
const text = (value: string) => join(u64(new TextEncoder().encode(value).length), raw(value));
const raw = (value: string) => new TextEncoder().encode(value);
function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
const start = (tensors: number | bigint, entries: number | bigint, version = 3) =>
  join(raw("GGUF"), u32(version), u64(tensors), u64(entries));
const tensor = (name: string, shape: (number | bigint)[], type: number, offset: number | bigint) =>
  join(text(name), u32(shape.length), ...shape.map(u64), u32(type), u64(offset));
/** Pads a header to 32 bytes and appends `length` bytes of data. */
const withData = (header: Uint8Array, length: number) =>
  join(header, new Uint8Array((32 - (header.length % 32)) % 32 + length));

async function rejected(bytes: Uint8Array<ArrayBuffer>): Promise<GgufError> {
  const error = await openGguf(new Blob([bytes])).then(
    () => assert.fail("the file was accepted"),
    (error) => error,
  );
  assert(error instanceof GgufError, String(error));
  assert.equal(error.file, "blob");
  return error;
}

Deno.test("openGguf() reads a file put together by hand", async () => {
  const header = join(
    start(1, 2),
    join(text("general.name"), u32(8), text("hand")),
    join(text("k"), u32(9), u32(5), u64(2), u32(7), u32(0xffffffff)),
    tensor("w", [2, 3], 1, 0),
  );
  const bytes = withData(header, 12);
  bytes.set(countingBytes(12), bytes.length - 12);
  await using file = await openGguf(new Blob([bytes]));
  assert.equal(file.version, 3);
  assert.equal(file.alignment, 32);
  const metadata = new Map<string, MetadataValue>([
    ["general.name", "hand"],
    ["k", Int32Array.of(7, -1)],
  ]);
  assert.deepEqual(file.metadata, metadata);
  const offset = bytes.length - 12;
  const w = { name: "w", type: "F16", shape: [2, 3], bytes: 12, offset, source: 0 } as const;
  assert.deepEqual(file.tensors, new Map([["w", w]]));
  assert.deepEqual(await file.readTensor(w), countingBytes(12));
});

Deno.test("readTensor() reads a part into given memory", async () => {
  const { bytes } = await fileOf(SAMPLE);
  await using file = await openGguf(new Blob([bytes]));
  const experts = file.tensors.get("blk.0.ffn_gate_exps.weight")!;
  const memory = new Uint8Array(new SharedArrayBuffer(68));
  assert.equal((await file.readTensor(experts, memory, 68)).buffer, memory.buffer);
  assert.deepEqual(memory.slice(), countingBytes(136).slice(68));
  const rest = await file.readTensor(experts, memory, experts.bytes - 10);
  assert.equal(rest.length, 10);
  await assert.rejects(file.readTensor(experts, memory, experts.bytes + 1), RangeError);
});

Deno.test("openGguf() refuses bytes that are no GGUF of version 2 or 3, little-endian", async () => {
  const cases: [Uint8Array<ArrayBuffer>, RegExp, number][] = [
    [new Uint8Array(0), /0 more bytes to the end of the file/, 0],
    [raw("GGUF"), /0 more bytes/, 4],
    [join(raw("GGML"), new Uint8Array(30)), /this is no GGUF file/, 0],
    [start(0, 0, 1), /GGUF version 1; expected version 2 or 3/, 4],
    [start(0, 0, 4), /GGUF version 4/, 4],
    [start(0, 0, 3 << 24), /big-endian/, 4],
    [start(0, 0).slice(0, 23), /7 more bytes/, 16],
  ];
  for (const [bytes, message, offset] of cases) {
    const error = await rejected(bytes);
    assert.match(error.message, message);
    assert.equal(error.offset, offset);
  }
});

Deno.test("openGguf() refuses counts and lengths beyond its limits or the file", async () => {
  const cases: [Uint8Array<ArrayBuffer>, RegExp][] = [
    [start(2n ** 64n - 1n, 0), /the number of tensors; expected at most/],
    [start(0, 2n ** 63n), /the number of metadata entries; expected at most/],
    [start(1000, 0), /1000 tensors/],
    [start(0, 1000), /1000 metadata entries/],
    [join(start(0, 1), u64(2n ** 40n), u64(0)), /the length of metadata key 0; expected at most/],
    [join(start(0, 1), u64(60_000), u64(0)), /60000 bytes for metadata key 0/],
    [join(start(0, 1), text("s"), u32(8), u64(2n ** 50n)), /the length of the value of "s"/],
    [join(start(0, 1), text("s"), u32(8), u64(2 ** 20)), /1048576 bytes for the value of "s"/],
    [join(start(0, 1), text("a"), u32(9), u32(4), u64(2n ** 61n)), /elements of the value of "a"/],
    [join(start(0, 1), text("a"), u32(9), u32(4), u64(2 ** 20)), /4194304 bytes for the value/],
    [join(start(0, 1), text("a"), u32(9), u32(8), u64(2 ** 20)), /8388608 bytes for the value/],
    [join(start(0, 1), text("a"), u32(9), u32(8), u64(1), u64(9)), /9 bytes for the value/],
    [join(start(1, 0), u64(65), new Uint8Array(200)), /65 as the length of the name/],
    [join(start(1, 0), text("w"), u32(5), new Uint8Array(80)), /5 dimensions of tensor "w"/],
    [join(start(1, 0), tensor("w", [2n ** 33n], 0, 0)), /dimension 0 of tensor "w"; expected at/],
    [join(start(1, 0), tensor("w", [2, 0], 0, 0)), /dimension 1 of tensor "w" is 0/],
    [
      join(start(1, 0), tensor("w", [2n ** 32n, 2n ** 32n, 2n ** 32n, 2n ** 32n], 0, 0)),
      /expected a tensor that fits/,
    ],
    [join(start(1, 0), tensor("w", [4], 0, 2n ** 60n)), /as the offset of tensor "w"/],
  ];
  for (const [bytes, message] of cases) assert.match((await rejected(bytes)).message, message);
});

Deno.test("openGguf() refuses metadata that is not well formed", async () => {
  const bool = (byte: number) => join(text("b"), u32(7), Uint8Array.of(byte));
  const nested = (levels: number): Uint8Array =>
    levels === 0 ? join(u32(0), u64(0)) : join(u32(9), u64(1), nested(levels - 1));
  const cases: [Uint8Array<ArrayBuffer>, RegExp][] = [
    [join(start(0, 1), text("k"), u32(13), u64(0)), /13 as the type of the value of "k"/],
    [join(start(0, 1), text("k"), u32(9), u32(13), u64(0)), /13 as the type/],
    [join(start(0, 1), bool(2)), /2 in the value of "b"; expected 0 or 1/],
    [join(start(0, 2), bool(1), bool(1)), /metadata key "b" a second time/],
    [join(start(0, 1), text(""), u32(4), u64(0)), /metadata key ""/],
    [join(start(0, 1), text("a\x1b"), u32(4), u64(0)), /metadata key "a\\u001b"/],
    [join(start(0, 1), u64(1), Uint8Array.of(0xff), u32(4), u64(0)), /expected a name in UTF-8/],
    [join(start(0, 1), text("k"), u32(9), nested(4)), /nested in the value of "k"; expected at/],
    [
      join(start(0, 1), text("k"), u32(9), u32(9), u64(70_000), new Uint8Array(12 * 70_000)),
      /70000 arrays/,
    ],
  ];
  for (const [bytes, message] of cases) assert.match((await rejected(bytes)).message, message);
});

Deno.test("openGguf() reads arrays nested as deep as its limit", async () => {
  const nested = join(u32(9), u64(1), u32(9), u64(1), u32(9), u64(1), u32(0), u64(1), raw("A"));
  const bytes = join(start(0, 1), text("k"), u32(9), nested);
  await using file = await openGguf(new Blob([bytes]));
  assert.deepEqual(file.metadata.get("k"), [[[Uint8Array.of(65)]]]);
});

Deno.test("openGguf() refuses tensors that do not lie in the file as they should", async () => {
  const align = (value: number) => join(text("general.alignment"), u32(4), u32(value));
  const two = (offset: number) =>
    withData(join(start(2, 0), tensor("v", [9], 0, 0), tensor("w", [9], 0, offset)), 96 + 36);
  const cases: [Uint8Array<ArrayBuffer>, RegExp][] = [
    [withData(join(start(1, 0), tensor("w", [4], 4, 0)), 99), /type 4 of tensor "w"/],
    [withData(join(start(1, 0), tensor("w", [4], 99, 0)), 99), /type 99 of tensor "w"/],
    [withData(join(start(1, 0), tensor("w", [33], 8, 0)), 99), /33 elements .* a multiple of 32/],
    [withData(join(start(1, 0), tensor("", [4], 0, 0)), 99), /tensor name ""/],
    [withData(join(start(1, 0), tensor("w", [4], 0, 8)), 99), /a multiple of the alignment, 32/],
    [withData(join(start(1, 0), tensor("w", [4], 0, 0)), 15), /a file of at least/],
    [withData(join(start(1, 0), tensor("w", [4], 0, 96)), 99), /a file of at least/],
    [two(0), /"w" overlaps tensor "v"/],
    [two(32), /"w" overlaps tensor "v"/],
    [
      withData(join(start(2, 0), tensor("w", [4], 0, 0), tensor("w", [4], 0, 32)), 64),
      /tensor "w" a second time/,
    ],
    [join(start(0, 1), align(0)), /a general.alignment of 0/],
    [join(start(0, 1), align(48)), /a general.alignment of 48/],
    [join(start(0, 1), align(2 ** 31)), /a general.alignment of 2147483648/],
    [join(start(0, 1), text("general.alignment"), u32(8), text("32")), /expected a number/],
  ];
  for (const [bytes, message] of cases) assert.match((await rejected(bytes)).message, message);
  await (await openGguf(new Blob([two(64)]))).close();
});

Deno.test("openGguf() finds a truncated file out wherever it is cut", async () => {
  const { bytes, layout } = await fileOf(SAMPLE);
  const last = layout.tensors.at(-1)!;
  for (let length = 0; length < last.offset + last.bytes; length += 7) {
    const error = await rejected(bytes.slice(0, length));
    assert(error.offset !== undefined && error.offset <= bytes.length);
  }
});

Deno.test("openGguf() replaces what is no UTF-8 in values and keeps byte order marks", async () => {
  const value = join(u64(4), Uint8Array.of(0xef, 0xbb, 0xbf, 0xff));
  const bytes = join(start(0, 1), text("k"), u32(8), value);
  await using file = await openGguf(new Blob([bytes]));
  assert.equal(file.metadata.get("k"), "\uFEFF\uFFFD");
});

Deno.test("openGguf() reads tensors beyond 4 GiB in a file with a hole", async () => {
  await inDirectory(async (path) => {
    const layout = layoutGguf({
      metadata: [],
      tensors: [
        { name: "a", type: "F32", shape: [2 ** 20, 3 * 2 ** 9] }, // 6 GiB
        { name: "b", type: "F32", shape: [2] },
      ],
    });
    await using sink = await fileSink(path("sparse.gguf"));
    await sink.write(layout.header);
    await sink.setSize(layout.size);
    using handle = await Deno.open(path("sparse.gguf"), { write: true });
    await handle.seek(layout.tensors[1]!.offset, Deno.SeekMode.Start);
    await handle.write(countingBytes(8));
    await using file = await openGguf(path("sparse.gguf"));
    assert.deepEqual(await file.readTensor(file.tensors.get("b")!), countingBytes(8));
  });
});

Deno.test("openGguf() reads about the header and nothing else from a server", async () => {
  const count = 60_000; // strings of 8 + 16 bytes: a header of 1.4 MB
  const value = Array.from({ length: count }, (_, index) => String(index).padStart(16, "0"));
  const layout = layoutGguf({
    metadata: [{ key: "tokens", type: "array", of: "string", value }],
    tensors: [{ name: "w", type: "F32", shape: [2 ** 20, 2 ** 12] }],
  });
  let served = 0;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const [, from, to] = /=(\d+)-(\d+)/.exec(request.headers.get("range")!)!.map(Number);
    const body = new Uint8Array(Math.min(to! + 1, layout.size) - from!);
    body.set(layout.header.subarray(from, from! + body.length));
    served += body.length;
    const headers = { "Content-Range": `bytes ${from}-${from! + body.length - 1}/${layout.size}` };
    return new Response(body, { status: 206, headers });
  });
  await using file = await openGguf(`http://127.0.0.1:${server.addr.port}/model.gguf`);
  assert.deepEqual(file.metadata.get("tokens"), value);
  assert(served <= 2.5 * layout.header.length, `${served} of ${layout.header.length}`);
  await server.shutdown();
});

/** Asserts that a file's header is what `@huggingface/gguf` reads from it. */
async function agreesWithHuggingFace(path: string, file: GgufFile) {
  const theirs = await theirGguf(path, { allowLocalFile: true });
  const { version, tensor_count, kv_count, ...metadata } = theirs.metadata as unknown as Record<
    string,
    unknown
  >;
  assert.equal(file.version, version);
  assert.equal(BigInt(file.tensors.size), tensor_count);
  assert.equal(BigInt(file.metadata.size), kv_count);
  // Their TextDecoder drops byte order marks, so a token that is one reads as "".
  const unmarked = (value: unknown) =>
    typeof value === "string" ? value.replace(/^\uFEFF/, "") : value;
  const plain = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(unmarked)
      : ArrayBuffer.isView(value)
      ? Array.from(value as Uint8Array)
      : typeof value === "bigint" && Number.isSafeInteger(Number(value))
      ? Number(value)
      : value;
  const ours = [...file.metadata].map(([key, value]) => [key, plain(value)]);
  const expected = Object.entries(metadata).map(([key, value]) => [key, plain(value)]);
  assert.deepEqual(ours, expected);
  const tensors = [...file.tensors.values()].map(({ name, type, shape, offset }) => ({
    name,
    n_dims: shape.length,
    shape: shape.map(BigInt),
    dtype: GGMLQuantizationType[type],
    offset: BigInt(offset) - theirs.tensorDataOffset,
  }));
  assert.deepEqual(tensors, theirs.tensorInfos);
}

Deno.test("openGguf() agrees with @huggingface/gguf on a written file", async () => {
  for (const alignment of [32, 8, 4096]) {
    await inDirectory(async (path) => {
      writeFileSync(path("sample.gguf"), (await fileOf({ ...SAMPLE, alignment })).bytes);
      await using file = await openGguf(path("sample.gguf"));
      await agreesWithHuggingFace(path("sample.gguf"), file);
    });
  }
});

for (const name of ["gpt-2.gguf", "llama-spm.gguf"]) {
  const { path, ignore, suffix } = vocabulary(name);
  Deno.test({
    name: `openGguf() agrees with @huggingface/gguf on the vocabulary ${name}${suffix}`,
    ignore,
    async fn() {
      await using file = await openGguf(path);
      await agreesWithHuggingFace(path, file);
    },
  });
}

const qwen = vocabulary("qwen.gguf");
Deno.test({
  name: `openGguf() reads a vocabulary of 151,936 tokens${qwen.suffix}`,
  ignore: qwen.ignore,
  async fn() {
    await using file = await openGguf(qwen.path);
    assert.equal((file.metadata.get("tokenizer.ggml.tokens") as string[]).length, 151_936);
  },
});
